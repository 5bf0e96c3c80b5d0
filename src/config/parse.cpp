// From text to a checked Config: a walk over the document with the option table at hand.
#include <algorithm>
#include <string>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/assert.h"
#include "config/checks.h"
#include "config/config.h"
#include "config/options.h"
#include "config/suggest.h"
#include "config/tenants.h"
#include "config/value.h"
#include "config/yaml.h"

namespace postern::config {
namespace {

/// A Target with every option at its default.
template <class Target>
Target with_defaults(std::span<const Option<Target>> options) {
  Target target{};
  for (const Option<Target>& option : options) {
    if (option.spec.fallback.empty()) continue;
    Problems problems;
    const Node node = read_yaml(option.spec.fallback, problems);
    const auto value = read_value(option.spec, node, std::string(option.spec.path), problems);
    POSTERN_ASSERT(value.has_value());
    option.binding.set(target, *value);
  }
  return target;
}

/// The part of `path` up to its next dot behind `prefix`; empty where it does not begin with it.
std::string_view next_part(std::string_view path, std::string_view prefix) {
  if (!path.starts_with(prefix) || path.size() == prefix.size()) return {};
  path.remove_prefix(prefix.size());
  return path.substr(0, path.find('.'));
}

/// Reads one map (the document, or one list item) by one table.
template <class Target>
class SectionReader {
 public:
  using ReadList = bool (*)(std::string_view path, const Node& node, Draft& draft,
                            Problems& problems);

  /// `base` stands before all paths in messages. Keeps `draft` for its folder.
  SectionReader(std::span<const Option<Target>> options, std::string base, Draft& draft,
                Problems& problems)
      : options_(options), base_(std::move(base)), draft_(draft), problems_(problems) {}

  /// Lists of items that stand among the options: `read_list` says whether it knows the path.
  void also_read(std::span<const std::string_view> lists, ReadList read_list) {
    lists_ = lists;
    read_list_ = read_list;
  }

  void read(const Node& map, Target& target) { read_section(map, "", target); }

 private:
  void read_section(const Node& map, const std::string& prefix, Target& target) {
    for (const Node& child : map.children) {
      const std::string path = prefix + child.key;
      const auto option = std::ranges::find(options_, std::string_view(path),
                                            [](const Option<Target>& o) { return o.spec.path; });
      if (option != options_.end()) {
        if (auto value = read_value(option->spec, child, base_ + path, problems_)) {
          place_in(draft_.folder, option->spec.kind, *value);
          option->binding.set(target, *value);
        }
      } else if (read_list_ != nullptr && read_list_(path, child, draft_, problems_)) {
        continue;
      } else if (is_section(path)) {
        read_subsection(child, path, target);
      } else {
        report_unknown(child, prefix, path);
      }
    }
  }

  void read_subsection(const Node& child, const std::string& path, Target& target) {
    if (child.kind == Node::Kind::map) {
      read_section(child, path + ".", target);
    } else if (child.kind != Node::Kind::null) {
      problems_.add(
          child.place, base_ + path,
          fmt::format("{} where a section with keys belongs", to_string(child.kind)),
          fmt::format("put its options below it, as \"{}:\"", known_below(path + ".").front()));
    }
  }

  bool is_section(const std::string& path) const { return !known_below(path + ".").empty(); }

  /// The keys that may stand in the section `prefix`.
  std::vector<std::string_view> known_below(std::string_view prefix) const {
    std::vector<std::string_view> known;
    const auto add = [&](std::string_view path) {
      const std::string_view part = next_part(path, prefix);
      if (!part.empty() && std::ranges::find(known, part) == known.end()) known.push_back(part);
    };
    for (const Option<Target>& option : options_) add(option.spec.path);
    for (const std::string_view list : lists_) add(list);
    return known;
  }

  void report_unknown(const Node& child, const std::string& prefix, const std::string& path) {
    problems_.add(child.key_place, base_ + path, fmt::format("\"{}\" is not known here", child.key),
                  advice_for(child.key, prefix));
  }

  std::string advice_for(const std::string& key, const std::string& prefix) const {
    const auto known = known_below(prefix);
    if (const auto near = nearest(key, known)) return fmt::format("did you mean {}?", *near);
    // The right word in the wrong section.
    for (const Option<Target>& option : options_) {
      const std::string_view path = option.spec.path;
      const std::size_t dot = path.rfind('.');
      if (dot != std::string_view::npos && path.substr(dot + 1) == key) {
        return fmt::format("did you mean {}?", path);
      }
    }
    return fmt::format("known here: {}", fmt::join(known, ", "));
  }

  std::span<const Option<Target>> options_;
  std::string base_;
  Draft& draft_;
  Problems& problems_;
  std::span<const std::string_view> lists_;
  ReadList read_list_ = nullptr;
};

/// Where the items of one list go.
template <class Item>
struct ItemList {
  std::string_view path;
  std::span<const Option<Item>> options;
  std::size_t max_items;
  std::vector<Item>& items;
  std::vector<const Node*>& nodes;  ///< Where each item stands.
};

/// Reads a list of maps.
template <class Item>
void read_items(const Node& list, const ItemList<Item>& into, Draft& draft, Problems& problems) {
  if (list.kind == Node::Kind::null) return;
  if (list.kind != Node::Kind::list) {
    problems.add(list.place, std::string(into.path),
                 fmt::format("{} where a list belongs", to_string(list.kind)),
                 "begin each item with \"- \"");
    return;
  }
  if (list.children.size() > into.max_items) {
    problems.add(list.place, std::string(into.path),
                 fmt::format("more than {} items", into.max_items), "join some of them");
    return;
  }
  const Item defaults = with_defaults(into.options);
  for (std::size_t i = 0; i < list.children.size(); ++i) {
    const Node& node = list.children[i];
    const std::string path = fmt::format("{}[{}]", into.path, i);
    if (node.kind != Node::Kind::map) {
      problems.add(node.place, path,
                   fmt::format("{} where a section with keys belongs", to_string(node.kind)),
                   "write \"- name: …\" and its other keys below");
      continue;
    }
    Item item = defaults;
    SectionReader<Item>(into.options, path + ".", draft, problems).read(node, item);
    for (const Option<Item>& option : into.options) {
      const bool is_missing =
          option.spec.presence == Presence::required && node.find(option.spec.path) == nullptr;
      if (!is_missing) continue;
      problems.add(
          node.place, path, fmt::format("{} is missing", option.spec.path),
          fmt::format("add \"{}: …\" ({})", option.spec.path, to_string(option.spec.kind)));
    }
    into.items.push_back(std::move(item));
    into.nodes.push_back(&node);
  }
}

constexpr std::string_view kLists[] = {"during",    "feeds",   "groups",
                                       "keys",      "publish", "resolver.forward",
                                       "schedules", "tenants", "votes"};

bool read_list(std::string_view path, const Node& node, Draft& draft, Problems& problems) {
  Config& config = draft.config;
  if (path == "feeds") {
    read_items<Feed>(node, {path, feed_options(), kMaxFeeds, config.feeds, draft.feed_nodes}, draft,
                     problems);
  } else if (path == "groups") {
    read_items<Group>(node, {path, group_options(), kMaxGroups, config.groups, draft.group_nodes},
                      draft, problems);
  } else if (path == "keys") {
    read_items<Key>(node, {path, key_options(), kMaxKeys, config.keys, draft.key_nodes}, draft,
                    problems);
  } else if (path == "publish") {
    read_items<Publish>(
        node, {path, publish_options(), kMaxPublished, config.publish, draft.publish_nodes}, draft,
        problems);
  } else if (path == "votes") {
    read_items<Vote>(node, {path, vote_options(), kMaxVotes, config.votes, draft.vote_nodes}, draft,
                     problems);
  } else if (path == "schedules") {
    read_items<Schedule>(
        node, {path, schedule_options(), kMaxSchedules, config.schedules, draft.schedule_nodes},
        draft, problems);
  } else if (path == "during") {
    read_items<During>(node,
                       {path, during_options(), kMaxDuring, config.during, draft.during_nodes},
                       draft, problems);
  } else if (path == "tenants") {
    read_items<Tenant>(node,
                       {path, tenant_options(), kMaxTenants, config.tenants, draft.tenant_nodes},
                       draft, problems);
  } else if (path == "resolver.forward") {
    read_items<ForwardZone>(
        node, {path, forward_options(), kMaxForwardZones, config.forward, draft.forward_nodes},
        draft, problems);
  } else {
    return false;
  }
  return true;
}

/// Remembers where the file says what each feed is read from, and names each time zone.
void note_sources(Draft& draft) {
  for (std::size_t i = 0; i < draft.config.feeds.size(); ++i) {
    Feed& feed = draft.config.feeds[i];
    for (const std::string_view key : {"path", "url", "transfer", "taxii"}) {
      const Node* source = draft.feed_nodes[i]->find(key);
      if (source == nullptr) continue;
      feed.source_key = fmt::format("feeds[{}].{}", i, key);
      feed.source_place = source->place;
    }
  }
  for (std::size_t i = 0; i < draft.config.schedules.size(); ++i) {
    draft.config.schedules[i].zone_place = place_of(*draft.schedule_nodes[i], "time_zone");
  }
}

}  // namespace

Outcome parse(std::string_view yaml, std::string_view folder) {
  Problems problems;
  const Node root = read_yaml(yaml, problems);
  Draft draft;
  draft.folder = folder;
  draft.config = with_defaults(config_options());
  if (root.kind == Node::Kind::map) {
    SectionReader<Config> reader(config_options(), "", draft, problems);
    reader.also_read(kLists, read_list);
    reader.read(root, draft.config);
  } else if (root.kind != Node::Kind::null) {
    problems.add(root.place, "", fmt::format("{} where sections belong", to_string(root.kind)),
                 "begin with a section such as \"server:\"");
  }
  note_sources(draft);
  check(draft, root, problems);

  Outcome outcome;
  outcome.problems = problems.take();
  if (!outcome.problems.empty()) return outcome;
  inherit_from_tenants(draft.config);
  Problems warnings;
  warn(draft, root, warnings);
  outcome.warnings = warnings.take();
  for (Problem& warning : outcome.warnings) warning.severity = Severity::warning;
  outcome.config = std::move(draft.config);
  return outcome;
}

std::vector<std::string> needs_restart(const Config& running, const Config& wanted) {
  std::vector<std::string> changed;
  for (const Option<Config>& option : config_options()) {
    if (option.spec.applies == Applies::at_restart && !option.binding.same(running, wanted)) {
      changed.emplace_back(option.spec.path);
    }
  }
  if (running.forward != wanted.forward) changed.emplace_back("resolver.forward");
  return changed;
}

std::string to_text(const Problem& problem, std::string_view file) {
  std::string out(file);
  if (problem.line != 0) out += fmt::format(":{}:{}", problem.line, problem.column);
  out += ": ";
  if (problem.severity == Severity::warning) out += "warning: ";
  if (!problem.path.empty()) out += problem.path + ": ";
  return out + problem.text + "; " + problem.advice;
}

}  // namespace postern::config
