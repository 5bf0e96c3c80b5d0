// Mistakes in where a feed comes from.
#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "config/checks.h"

namespace postern::config {
namespace {

void check_transfer_key(const Feed& feed, const Node& node, std::size_t index, Problems& problems) {
  const Node* tsig = node_at(node, "transfer.tsig");
  if (tsig == nullptr) return;
  const std::string path = item_path("feeds", index, "transfer.tsig");
  if (tsig->find("name") == nullptr) {
    problems.add(tsig->place, path, "the key has no name",
                 "add name: as the primary calls the key");
  }
  check_secret(*tsig, path, feed.transfer_tsig_secret, problems);
}

void check_transfer(const Feed& feed, const Node& node, std::size_t index, Problems& problems) {
  const Node* transfer = node.find("transfer");
  if (transfer == nullptr || transfer->kind != Node::Kind::map) return;
  const auto complain = [&](const Place& place, std::string_view key, std::string text,
                            std::string advice) {
    problems.add(place, item_path("feeds", index, key), std::move(text), std::move(advice));
  };
  if (transfer->find("zone") == nullptr) {
    complain(transfer->place, "transfer", "transfer has no zone", "add zone: the zone's name");
  } else if (feed.transfer_zone == ".") {
    complain(place_of(*transfer, "zone"), "transfer.zone", "the root is no policy zone",
             "give the name of a response policy zone");
  }
  const Node* primaries = transfer->find("primaries");
  const bool is_empty =
      primaries != nullptr && primaries->kind == Node::Kind::list && primaries->children.empty();
  if (primaries == nullptr || is_empty) {
    complain(transfer->place, "transfer", "transfer has no primaries",
             "add primaries: the servers that have the zone");
  }
  if (!feed.format.empty() && feed.format != "rpz") {
    complain(transfer->key_place, "transfer",
             fmt::format("what is transferred is a zone, but the format is {}", feed.format),
             "set format to rpz, or fetch the list by url");
  }
  if (feed.transfer_min_refresh_s > feed.transfer_max_refresh_s) {
    complain(place_of(*transfer, "min_refresh_s"), "transfer.min_refresh_s",
             "min_refresh_s is over max_refresh_s", "make it smaller");
  }
  for (const std::string_view key : {"refresh_s", "origin"}) {
    if (const Node* other = node.find(key)) {
      complain(other->key_place, key, "means nothing for a transferred zone, whose SOA says it",
               "remove it");
    }
  }
  check_transfer_key(feed, node, index, problems);
}

/// Whether a URL leads to this machine.
bool is_here(std::string_view url) {
  url.remove_prefix(url.find("://") + 3);
  return url.starts_with("127.") || url.starts_with("localhost") || url.starts_with("[::1]");
}

void check_taxii_credentials(const Feed& feed, const Node& taxii, const std::string& path,
                             Problems& problems) {
  const bool has_password = !feed.taxii_user.empty() || !feed.taxii_password_file.empty();
  if (feed.taxii_user.empty() != feed.taxii_password_file.empty()) {
    problems.add(taxii.place, path, "user and password_file belong together", "give both");
  } else if (has_password && !feed.taxii_token_file.empty()) {
    problems.add(place_of(taxii, "token_file"), path + ".token_file",
                 "there is a user with a password and a token", "keep one of them");
  }
  const bool has_secret = has_password || !feed.taxii_token_file.empty();
  if (has_secret && feed.taxii_url.starts_with("http://") && !is_here(feed.taxii_url)) {
    problems.add(place_of(taxii, "url"), path + ".url",
                 "the password or token would cross the network for all to read",
                 "use https:// (with tls_ca_file, if its authority is your own)");
  }
}

void check_taxii(const Feed& feed, const Node& node, std::size_t index, Problems& problems) {
  const Node* taxii = node.find("taxii");
  if (taxii == nullptr || taxii->kind != Node::Kind::map) return;
  const std::string path = item_path("feeds", index, "taxii");
  if (taxii->find("url") == nullptr) {
    problems.add(taxii->place, path, "taxii has no url",
                 "add url: the address of the server's discovery or API root");
  }
  if (feed.taxii_collection.empty()) {
    problems.add(taxii->place, path, "taxii has no collection", "add collection: its id or title");
  }
  if (!feed.format.empty() && feed.format != "stix") {
    problems.add(taxii->key_place, path,
                 fmt::format("a TAXII collection is STIX, but the format is {}", feed.format),
                 "set format to stix");
  }
  check_taxii_credentials(feed, *taxii, path, problems);
}

void check_one_source(const Feed& feed, const Node& node, std::size_t index, Problems& problems) {
  const std::string path = fmt::format("feeds[{}]", index);
  std::vector<std::string_view> sources;
  for (const std::string_view key : {"path", "url", "transfer", "taxii"}) {
    if (node.find(key) != nullptr) sources.push_back(key);
  }
  if (sources.empty()) {
    const std::string_view advice =
        feed.format == "rpz" ? "give one of them, or transfer to have the zone from its primaries"
        : feed.format == "stix" ? "give one of them, or taxii to have a collection from its server"
                                : "give one of them";
    problems.add(node.place, path, "the feed has neither path nor url", std::string(advice));
  } else if (sources.size() > 1) {
    problems.add(node.find(sources[1])->key_place, path,
                 fmt::format("the feed has both {} and {}", sources[0], sources[1]),
                 "keep one of them");
  }
  if (!feed.mirrors.empty() && node.find("url") == nullptr) {
    problems.add(place_of(node, "mirrors"), item_path("feeds", index, "mirrors"),
                 "mirrors of a feed without url", "give the main address as url");
  }
}

}  // namespace

void check_feed_source(const Feed& feed, const Node& node, std::size_t index, Problems& problems) {
  check_one_source(feed, node, index, problems);
  check_transfer(feed, node, index, problems);
  check_taxii(feed, node, index, problems);
}

}  // namespace postern::config
