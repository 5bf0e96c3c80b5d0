#include "exchange/yaml_tree.h"

#include <algorithm>
#include <exception>
#include <optional>
#include <sstream>
#include <utility>

#include <fmt/format.h>
#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

namespace postern::exchange {
namespace {

std::size_t line_of(const YAML::Mark& mark) {
  return mark.is_null() || mark.line < 0 ? 0 : static_cast<std::size_t>(mark.line) + 1;
}

/// Builds the tree from yaml-cpp's events. After a fault the rest is let pass by.
class Builder final : public YAML::EventHandler {
 public:
  Result<YamlNode> take() {
    if (fault_) return Unexpected<Error>(*std::move(fault_));
    return std::move(root_);
  }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark& mark, YAML::anchor_t) override {
    attach(node(YamlNode::Kind::null, mark));
  }
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override {
    refuse(mark, "aliases (*name) are not read");
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t,
                const std::string& value) override {
    // What is plain and says null is none of text; a quoted one has the tag "!".
    const bool plain = tag == "?";
    const bool null = plain && (value == "null" || value == "~" || value == "Null");
    YamlNode scalar = node(null ? YamlNode::Kind::null : YamlNode::Kind::scalar, mark);
    scalar.text = value;
    attach(std::move(scalar));
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::list, mark);
  }
  void OnSequenceEnd() override { close(); }
  void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {
    open(YamlNode::Kind::map, mark);
  }
  void OnMapEnd() override { close(); }

 private:
  struct Open {
    YamlNode node;
    std::optional<std::string> key;
  };

  static YamlNode node(YamlNode::Kind kind, const YAML::Mark& mark) {
    YamlNode out;
    out.kind = kind;
    out.line = line_of(mark);
    return out;
  }

  void refuse(const YAML::Mark& mark, std::string_view what) { refuse_at(line_of(mark), what); }
  void refuse_at(std::size_t line, std::string_view what) {
    if (!fault_) fault_ = Error{Errc::invalid_input, fmt::format("line {}: {}", line, what)};
  }

  void open(YamlNode::Kind kind, const YAML::Mark& mark) {
    if (open_.size() >= kMaxYamlDepth) refuse(mark, "nested too deeply");
    if (fault_) {
      ++skipped_;
      return;
    }
    open_.push_back({node(kind, mark), std::nullopt});
  }

  void close() {
    if (skipped_ > 0) {
      --skipped_;
      return;
    }
    if (fault_) return;
    YamlNode done = std::move(open_.back().node);
    open_.pop_back();
    attach(std::move(done));
  }

  void attach(YamlNode value) {
    if (++nodes_ > kMaxYamlNodes) refuse_at(value.line, "too many values");
    if (fault_) return;
    if (open_.empty()) {
      root_ = std::move(value);
      return;
    }
    Open& parent = open_.back();
    if (parent.node.kind == YamlNode::Kind::map) {
      if (!parent.key) {
        if (value.kind != YamlNode::Kind::scalar) refuse_at(value.line, "a key must be a text");
        if (parent.node.find(value.text) != nullptr) refuse_at(value.line, "a key is there twice");
        parent.key = std::move(value.text);
        return;
      }
      value.key = *std::exchange(parent.key, std::nullopt);
    }
    parent.node.children.push_back(std::move(value));
  }

  YamlNode root_;
  std::vector<Open> open_;
  std::optional<Error> fault_;
  std::size_t skipped_ = 0;
  std::size_t nodes_ = 0;
};

}  // namespace

const YamlNode* YamlNode::find(std::string_view wanted) const {
  if (kind != Kind::map) return nullptr;
  const auto at = std::ranges::find(children, wanted, &YamlNode::key);
  return at == children.end() ? nullptr : &*at;
}

std::string_view YamlNode::text_of(std::string_view wanted) const {
  const YamlNode* const child = find(wanted);
  return child == nullptr || child->kind != Kind::scalar ? std::string_view{} : child->text;
}

Result<YamlNode> read_yaml_tree(std::string_view text) {
  if (text.size() > kMaxYamlOctets) return fail(Errc::limit_exceeded, "line 1: over 1 MiB");
  try {
    std::istringstream stream{std::string(text)};
    YAML::Parser parser(stream);
    Builder builder;
    if (!parser.HandleNextDocument(builder)) return fail(Errc::invalid_input, "line 1: is empty");
    return builder.take();
  } catch (const YAML::Exception& e) {
    return fail(Errc::invalid_input, fmt::format("line {}: {}", line_of(e.mark), e.msg));
  } catch (const std::exception& e) {
    return fail(Errc::invalid_input, fmt::format("line 0: {}", e.what()));
  }
}

}  // namespace postern::exchange
