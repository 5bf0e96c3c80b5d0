// Mistakes in `keys` and `publish`.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "config/checks.h"
#include "config/suggest.h"

namespace postern::config {
namespace {

/// Complains of one item.
class Complaint {
 public:
  Complaint(std::string_view list, std::size_t index, const Node& node, Problems& problems)
      : list_(list), index_(index), node_(node), problems_(problems) {}

  void operator()(std::string_view key, std::string text, std::string advice) const {
    problems_.add(place_of(node_, key), item_path(list_, index_, key), std::move(text),
                  std::move(advice));
  }

 private:
  std::string_view list_;
  std::size_t index_;
  const Node& node_;
  Problems& problems_;
};

void check_keys(const Draft& draft, Problems& problems) {
  const auto& keys = draft.config.keys;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    const Node& node = *draft.key_nodes[i];
    check_secret(node, fmt::format("keys[{}]", i), keys[i].secret, problems);
    const auto first = std::ranges::find(keys, keys[i].name, &Key::name);
    if (keys[i].name.is_root() || first == keys.begin() + static_cast<std::ptrdiff_t>(i)) continue;
    Complaint("keys", i, node, problems)(
        "name", fmt::format("another key is called \"{}\" too", keys[i].name.to_display()),
        "give each key a name of its own");
  }
}

void check_keys_of(const Draft& draft, const Publish& publish, const Complaint& complain) {
  std::vector<std::string> known;
  for (const Key& key : draft.config.keys) known.push_back(key.name.to_display());
  for (const std::string& name : publish.keys) {
    if (std::ranges::find(known, name) != known.end()) continue;
    const std::vector<std::string_view> views(known.begin(), known.end());
    const auto near = nearest(name, views);
    complain("keys", fmt::format("no key is called \"{}\"", name),
             near ? fmt::format("did you mean {}?", *near) : "add it under keys");
  }
}

void check_group_of(const Draft& draft, const Publish& publish, const Complaint& complain) {
  std::vector<std::string_view> known{"default"};
  for (const Group& group : draft.config.groups) known.push_back(group.name);
  if (std::ranges::find(known, publish.group) != known.end()) return;
  const auto near = nearest(publish.group, known);
  complain("group", fmt::format("no group is called \"{}\"", publish.group),
           near ? fmt::format("did you mean {}?", *near) : "add it under groups");
}

void check_tls_of(const Draft& draft, const Publish& publish, const Complaint& complain) {
  if (!publish.tls_only || !draft.config.transfer_tls_listen.empty()) return;
  complain("tls_only", "nobody could have the zone: server.transfer_tls.listen is empty",
           "give it an address, a certificate and its key");
}

void check_collection(const Publish& publish, const Complaint& complain) {
  if (publish.taxii_title.empty()) {
    complain("taxii", "taxii has no title", "add title: what the collection is called");
  }
  const bool has_user = !publish.taxii_user.empty();
  if (has_user != !publish.taxii_password_file.empty()) {
    complain("taxii", "user and password_file belong together", "give both");
  } else if (!has_user && publish.taxii_token_file.empty()) {
    complain("taxii", "nobody may have the collection",
             "add token_file, or user and password_file");
  }
}

}  // namespace

void check_secret(const Node& node, const std::string& path, const std::string& secret,
                  Problems& problems) {
  const bool has_secret = node.find("secret") != nullptr;
  const bool has_file = node.find("secret_file") != nullptr;
  if (has_secret == has_file) {
    problems.add(node.place, path,
                 has_file ? "the key has both secret and secret_file"
                          : "the key has neither secret nor secret_file",
                 has_file ? "keep secret_file" : "add secret_file: a file with the base64 text");
  } else if (has_secret && !secret.empty() && !dns::tsig_secret_from_text(secret)) {
    problems.add(place_of(node, "secret"), path + ".secret", "the secret is not base64",
                 "take the text behind \"secret\" of the other side's key");
  }
}

void check_publish(const Draft& draft, Problems& problems) {
  check_keys(draft, problems);
  const auto& all = draft.config.publish;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Publish& publish = all[i];
    const Complaint complain("publish", i, *draft.publish_nodes[i], problems);
    check_keys_of(draft, publish, complain);
    check_group_of(draft, publish, complain);
    check_tls_of(draft, publish, complain);
    const bool has_zone = draft.publish_nodes[i]->find("zone") != nullptr;
    if (has_zone && publish.zone.is_root()) {
      complain("zone", "the root is no policy zone", "give a name, e.g. policy.postern");
    }
    const bool is_collection = draft.publish_nodes[i]->find("taxii") != nullptr;
    if (is_collection) check_collection(publish, complain);
    if (publish.clients.empty() && publish.keys.empty() && !is_collection) {
      complain("clients", "nobody may have the zone",
               "add clients: the secondaries' addresses, or keys, or both");
    }
    for (std::size_t other = 0; other < i; ++other) {
      if (!publish.name.empty() && all[other].name == publish.name) {
        complain("name", fmt::format("another one is called \"{}\" too", publish.name),
                 "give each a name of its own");
      }
      if (has_zone && all[other].zone == publish.zone) {
        complain("zone", fmt::format("\"{}\" is published twice", publish.zone.to_display()),
                 "give each a zone of its own");
      }
    }
  }
}

}  // namespace postern::config
