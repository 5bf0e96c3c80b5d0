#include "config/yaml.h"

#include <algorithm>
#include <exception>
#include <set>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace postern::config {
namespace {

Place place_of(const YAML::Mark& mark) {
  if (mark.is_null() || mark.line < 0 || mark.column < 0) return {};
  return {static_cast<std::size_t>(mark.line) + 1, static_cast<std::size_t>(mark.column) + 1};
}

/// "*.example.com" without quotation marks is an alias to YAML.
bool is_about_an_alias(const YAML::Exception& e) {
  for (const std::string_view about :
       {YAML::ErrorMsg::ALIAS_NOT_FOUND, YAML::ErrorMsg::CHAR_IN_ALIAS,
        YAML::ErrorMsg::UNKNOWN_ANCHOR}) {
    if (e.msg.starts_with(about)) return true;
  }
  return false;
}

/// Builds the tree from yaml-cpp's events; duplicate keys, odd keys, aliases and depth are
/// problems found on the way.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(Problems& problems) : problems_(problems) {}

  Node take_root() {
    while (open_.size() > 1) close();  // The text broke off in the middle.
    return open_.empty() ? std::move(root_) : std::move(open_.front().node);
  }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    attach({.kind = Node::Kind::null,
            .text = {},
            .place = place_of(mark),
            .key = {},
            .key_place = {},
            .children = {}});
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    problems_.add(place_of(mark), "", "aliases (*name) are not supported", "write the value out");
    attach({.kind = Node::Kind::null,
            .text = {},
            .place = place_of(mark),
            .key = {},
            .key_place = {},
            .children = {}});
  }
  void OnScalar(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                const std::string& value) override {
    attach({.kind = Node::Kind::scalar,
            .text = value,
            .place = place_of(mark),
            .key = {},
            .key_place = {},
            .children = {}});
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(Node::Kind::list, mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(Node::Kind::map, mark);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    Node node;
    bool has_key = false;
    std::string key;
    Place key_place;
    std::set<std::string> keys;
  };

  void open(Node::Kind kind, const YAML::Mark& mark) {
    if (skipped_ > 0 || open_.size() >= kMaxDepth) {
      if (skipped_++ == 0) {
        problems_.add(place_of(mark), "", fmt::format("more than {} levels deep", kMaxDepth),
                      "no option stands that deep; remove it");
      }
      return;
    }
    Open next;
    next.node.kind = kind;
    next.node.place = place_of(mark);
    open_.push_back(std::move(next));
  }

  void close() {
    if (skipped_ > 0) {
      if (--skipped_ == 0) attach(Node{});
      return;
    }
    Node done = std::move(open_.back().node);
    open_.pop_back();
    attach(std::move(done));
  }

  void attach(Node node) {
    if (skipped_ > 0) return;
    if (open_.empty()) {
      root_ = std::move(node);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == Node::Kind::list) {
      parent.node.children.push_back(std::move(node));
    } else if (!parent.has_key) {
      take_key(parent, node);
    } else {
      parent.has_key = false;
      if (!parent.keys.insert(parent.key).second) {
        problems_.add(parent.key_place, "", fmt::format("\"{}\" is there twice", parent.key),
                      "keep one of them");
        return;
      }
      node.key = std::move(parent.key);
      node.key_place = parent.key_place;
      // yaml-cpp places what is missing at the next token, lines below.
      if (node.kind == Node::Kind::null) node.place = node.key_place;
      parent.node.children.push_back(std::move(node));
    }
  }

  void take_key(Open& parent, const Node& node) {
    if (node.kind != Node::Kind::scalar) {
      problems_.add(node.place, "", "a key must be a plain word", "write \"key: value\"");
    }
    parent.has_key = true;
    parent.key = node.text;
    parent.key_place = node.place;
  }

  Problems& problems_;
  Node root_;
  std::vector<Open> open_;
  std::size_t skipped_ = 0;  ///< Levels open below the deepest one that is kept.
};

}  // namespace

const Node* Node::find(std::string_view wanted) const {
  const auto at = std::ranges::find(children, wanted, &Node::key);
  return at == children.end() || kind != Kind::map ? nullptr : &*at;
}

std::string_view to_string(Node::Kind kind) {
  switch (kind) {
    case Node::Kind::null:
      return "nothing";
    case Node::Kind::scalar:
      return "a single value";
    case Node::Kind::list:
      return "a list";
    case Node::Kind::map:
      return "a section with keys";
  }
  return "something";
}

void Problems::add(Place place, std::string path, std::string text, std::string advice) {
  if (all_.size() >= kMaxProblems) {
    ++left_out_;
    return;
  }
  all_.push_back({place.line, place.column, std::move(path), std::move(text), std::move(advice)});
}

std::vector<Problem> Problems::take() {
  std::ranges::stable_sort(all_, [](const Problem& a, const Problem& b) {
    return std::pair(a.line, a.column) < std::pair(b.line, b.column);
  });
  if (left_out_ > 0) {
    all_.push_back({0, 0, "", fmt::format("{} more mistakes are not shown", left_out_),
                    "correct these first"});
  }
  return std::exchange(all_, {});
}

Node read_yaml(std::string_view text, Problems& problems) {
  if (text.size() > kMaxFileOctets) {
    problems.add({}, "", fmt::format("the file has more than {} octets", kMaxFileOctets),
                 "put long lists of names into feed files");
    return {};
  }
  TreeBuilder builder(problems);
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    TreeBuilder rest(problems);
    if (parser && parser.HandleNextDocument(rest)) {
      problems.add(rest.take_root().place, "", "a second YAML document (\"---\") begins here",
                   "keep one document in the file");
    }
  } catch (const YAML::Exception& e) {
    if (is_about_an_alias(e)) {
      problems.add(place_of(e.mark), "", "a value that begins with * must be in quotation marks",
                   "write \"*.example.com\", with the quotation marks");
      return builder.take_root();
    }
    problems.add(place_of(e.mark), "", fmt::format("this is not YAML: {}", e.msg),
                 "check indentation, quotes and brackets just before this place");
  } catch (const std::exception& e) {
    problems.add({}, "", fmt::format("this is not YAML: {}", e.what()), "check the file");
  }
  return builder.take_root();
}

}  // namespace postern::config
