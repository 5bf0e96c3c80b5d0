// What is generated from the option table: the Markdown reference, the JSON schema, an example.
#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "config/config.h"
#include "config/options.h"
#include "config/value.h"
#include "config/yaml.h"

namespace postern::config {
namespace {

std::string json_text(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\t') {
      out += "\\t";
    } else {
      out += c;
    }
  }
  return out + "\"";
}

bool is_number(Kind kind) {
  switch (kind) {
    case Kind::count:
    case Kind::seconds:
    case Kind::milliseconds:
    case Kind::days:
      return true;
    default:
      return false;
  }
}

// ---- Markdown ----

std::string meaning_of(const Spec& spec) {
  std::string out(spec.help);
  if (spec.presence == Presence::required) out += " **Required.**";
  return out;
}

std::string range_of(const Spec& spec) {
  if (!spec.choices.empty()) return fmt::format("`{}`", fmt::join(choices_of(spec), "`, `"));
  if (!is_number(spec.kind) && spec.kind != Kind::octets) return "";
  return fmt::format("{} to {}", spec.min, spec.max);
}

std::string table_of(const std::vector<Spec>& specs) {
  std::string out =
      "| option | kind | default | range | applies | meaning |\n|---|---|---|---|---|---|\n";
  for (const Spec& spec : specs) {
    out += fmt::format("| `{}` | {} | {} | {} | {} | {} |\n", spec.path, to_string(spec.kind),
                       spec.fallback.empty() ? "–" : fmt::format("`{}`", spec.fallback),
                       range_of(spec), spec.applies == Applies::at_reload ? "reload" : "restart",
                       meaning_of(spec));
  }
  return out;
}

std::string indented(std::string_view text, std::string_view indent) {
  std::string out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size() - 1);
    out += fmt::format("{}{}", indent, text.substr(0, end + 1));
    text.remove_prefix(end + 1);
  }
  return out;
}

std::string_view section_of(std::string_view path) {
  const std::size_t dot = path.find('.');
  return dot == std::string_view::npos ? std::string_view() : path.substr(0, dot);
}

// ---- JSON schema ----

std::string array_of(std::string_view items) {
  return fmt::format("\"type\": [\"array\", \"string\"], \"items\": {{{}}}", items);
}

std::string schema_type(const Spec& spec) {
  constexpr std::string_view kText = "\"type\": \"string\"";
  switch (spec.kind) {
    case Kind::count:
    case Kind::seconds:
    case Kind::milliseconds:
    case Kind::days:
      return fmt::format("\"type\": \"integer\", \"minimum\": {}, \"maximum\": {}", spec.min,
                         spec.max);
    case Kind::octets:
      return "\"type\": [\"integer\", \"string\"], \"pattern\": \"^[0-9]+ *([KMGT]i)?B?$\"";
    case Kind::flag:
      return "\"type\": \"boolean\"";
    case Kind::choice:
      return fmt::format("\"enum\": [\"{}\"]", fmt::join(choices_of(spec), "\", \""));
    case Kind::label:
      return "\"type\": \"string\", \"pattern\": \"^[a-z0-9][a-z0-9._-]{0,31}$\"";
    case Kind::character:
      return "\"type\": \"string\", \"minLength\": 1, \"maxLength\": 1";
    case Kind::url:
      return "\"type\": \"string\", \"pattern\": \"^https?://[^/]\"";
    case Kind::urls:
      return array_of("\"type\": \"string\", \"pattern\": \"^https?://[^/]\"");
    case Kind::contacts:
      return array_of("\"type\": \"string\", \"pattern\": \"^(mailto|tel):\"");
    case Kind::paths:
    case Kind::names:
    case Kind::windows:
    case Kind::macs:
    case Kind::client_ids:
    case Kind::patterns:
    case Kind::labels:
    case Kind::prefixes:
    case Kind::endpoints:
    case Kind::servers:
      return array_of(kText);
    default:
      return std::string(kText);
  }
}

/// The default as JSON.
std::string schema_default(const Spec& spec) {
  Problems problems;
  const Node node = read_yaml(spec.fallback, problems);
  if (node.kind == Node::Kind::list) {
    std::vector<std::string> items;
    for (const Node& item : node.children) items.push_back(json_text(item.text));
    return fmt::format("[{}]", fmt::join(items, ", "));
  }
  if (is_number(spec.kind) || spec.kind == Kind::flag) return node.text;
  return json_text(node.text);
}

std::string schema_of(const Spec& spec) {
  std::string out =
      fmt::format("{{{}, \"description\": {}", schema_type(spec), json_text(spec.help));
  if (!spec.fallback.empty()) out += fmt::format(", \"default\": {}", schema_default(spec));
  return out + "}";
}

/// An object of the schema: leaves are finished text, sections have children.
struct SchemaNode {
  std::string leaf;
  std::map<std::string, SchemaNode> children;
  std::vector<std::string> required;

  void put(std::string_view path, std::string text) {
    const std::size_t dot = path.find('.');
    SchemaNode& child = children[std::string(path.substr(0, dot))];
    if (dot == std::string_view::npos) {
      child.leaf = std::move(text);
    } else {
      child.put(path.substr(dot + 1), std::move(text));
    }
  }

  std::string to_text(const std::string& indent) const {
    if (children.empty()) return leaf;
    std::string out = "{\n" + indent + "  \"type\": \"object\", \"additionalProperties\": false,\n";
    if (!required.empty()) {
      out += fmt::format("{}  \"required\": [\"{}\"],\n", indent, fmt::join(required, "\", \""));
    }
    out += indent + "  \"properties\": {\n";
    std::string separator;
    for (const auto& [key, child] : children) {
      out +=
          fmt::format("{}{}    \"{}\": {}", separator, indent, key, child.to_text(indent + "    "));
      separator = ",\n";
    }
    return out + "\n" + indent + "  }\n" + indent + "}";
  }
};

std::string items_schema(const ListSpec& list) {
  SchemaNode item;
  for (const Spec& spec : list.options) {
    item.put(spec.path, schema_of(spec));
    if (spec.presence == Presence::required) item.required.emplace_back(spec.path);
  }
  return fmt::format("{{\"type\": \"array\", \"description\": {}, \"items\": {}}}",
                     json_text(list.help), item.to_text("      "));
}

// ---- Example ----

/// "a.b.c: value" with the sections above it opened where they are not yet.
class ExampleWriter {
 public:
  void add(std::string_view path, std::string_view help, std::string_view value) {
    const std::string indent = enter(path);
    text_ += fmt::format("{}# {}\n", indent, help);
    const std::size_t dot = path.rfind('.');
    const std::string_view key = dot == std::string_view::npos ? path : path.substr(dot + 1);
    if (value.empty()) {
      text_ += fmt::format("{}# {}:\n", indent, key);
    } else {
      text_ += fmt::format("{}{}: {}\n", indent, key, value);
    }
  }

  void add_list(const ListSpec& list) {
    add(list.path, list.help, "[]");
    const std::string indent(2 * depth(list.path), ' ');
    text_ += indented(list.example, indent + "#   ");
  }

  std::string take() { return std::move(text_); }

 private:
  static std::size_t depth(std::string_view path) {
    return static_cast<std::size_t>(std::ranges::count(path, '.'));
  }

  std::string enter(std::string_view path) {
    std::vector<std::string> sections;
    for (std::size_t from = 0, dot = 0; (dot = path.find('.', from)) != std::string_view::npos;
         from = dot + 1) {
      sections.emplace_back(path.substr(from, dot - from));
    }
    std::size_t common = 0;
    while (common < sections.size() && common < open_.size() && sections[common] == open_[common])
      ++common;
    for (std::size_t i = common; i < sections.size(); ++i) {
      if (i == 0) text_ += "\n";
      text_ += fmt::format("{}{}:\n", std::string(2 * i, ' '), sections[i]);
    }
    if (sections.empty()) text_ += "\n";
    open_ = sections;
    return std::string(2 * sections.size(), ' ');
  }

  std::string text_;
  std::vector<std::string> open_;
};

}  // namespace

std::string reference_markdown() {
  std::string out =
      "# Configuration\n\n"
      "<!-- Generated from src/config/options.cpp; a test holds it current. -->\n\n"
      "One YAML file, read by `postern serve -c FILE`; every option has a default, so an empty "
      "file "
      "serves. `postern check -c FILE` finds all mistakes at once. Options that apply at *reload* "
      "take "
      "effect on SIGHUP or `postern reload`; the others at the next start. Sizes are octets, or a "
      "whole "
      "number with KiB, MiB, GiB or TiB; times are whole numbers in the unit that ends the "
      "option's name. "
      "A path that does not begin with / is of the configuration file's folder. "
      "A list may be a single value. Items of lists are counted from 0 in messages.\n";
  std::vector<Spec> section;
  const auto finish = [&] {
    if (section.empty()) return;
    const std::string_view name = section_of(section.front().path);
    out +=
        fmt::format("\n## {}\n\n{}", name.empty() ? section.front().path : name, table_of(section));
    section.clear();
  };
  for (const Spec& spec : config_specs()) {
    const bool is_new = section.empty() || section_of(spec.path).empty() ||
                        section_of(section.front().path) != section_of(spec.path);
    if (is_new) finish();
    section.push_back(spec);
  }
  finish();
  for (const ListSpec& list : list_specs()) {
    const std::size_t dot = list.path.rfind('.');
    const std::string_view key =
        dot == std::string_view::npos ? list.path : list.path.substr(dot + 1);
    out += fmt::format("\n## {}[]\n\n{}\n\n```yaml\n{}:\n{}```\n\n{}", list.path, list.help, key,
                       indented(list.example, "  "), table_of(list.options));
  }
  return out;
}

std::string json_schema() {
  SchemaNode root;
  for (const Spec& spec : config_specs()) root.put(spec.path, schema_of(spec));
  for (const ListSpec& list : list_specs()) root.put(list.path, items_schema(list));
  const std::string body = root.to_text("");
  return "{\n  \"$schema\": \"https://json-schema.org/draft/2020-12/schema\",\n"
         "  \"title\": \"Postern configuration\"," +
         body.substr(1) + "\n";
}

std::string example_yaml() {
  ExampleWriter writer;
  const auto lists = list_specs();
  const auto specs = config_specs();
  // Sections must stay whole, so lists are put in where they sort among the options.
  std::size_t next_list = 0;
  for (const Spec& spec : specs) {
    while (next_list < lists.size() && lists[next_list].path < spec.path) {
      writer.add_list(lists[next_list++]);
    }
    writer.add(spec.path, spec.help, spec.fallback);
  }
  while (next_list < lists.size()) writer.add_list(lists[next_list++]);
  return "# Every option of Postern at its default; docs/reference/configuration.md says more.\n" +
         writer.take();
}

}  // namespace postern::config
