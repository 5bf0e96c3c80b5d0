#include "exchange/xml.h"

#include <algorithm>
#include <string>

#include <fmt/format.h>

#include <pugixml.hpp>

namespace postern::exchange {
namespace {

char lower_of(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

struct Copier {
  std::size_t elements = 0;

  Result<XmlElement> copy(const pugi::xml_node& node, std::size_t depth) {
    if (depth > kMaxXmlDepth) return fail(Errc::limit_exceeded, "elements are too deep");
    if (++elements > kMaxXmlElements) return fail(Errc::limit_exceeded, "too many elements");
    XmlElement out;
    out.name = node.name();
    for (const pugi::xml_attribute& attribute : node.attributes()) {
      out.attributes.emplace_back(attribute.name(), attribute.value());
    }
    for (const pugi::xml_node& child : node.children()) {
      if (child.type() == pugi::node_element) {
        out.children.push_back(POSTERN_TRY(copy(child, depth + 1)));
      } else if (child.type() == pugi::node_pcdata || child.type() == pugi::node_cdata) {
        out.text += trimmed(child.value());
      }
    }
    return out;
  }
};

}  // namespace

bool same_name(std::string_view one, std::string_view other) {
  return std::ranges::equal(one, other, {}, lower_of, lower_of);
}

std::string_view XmlElement::attribute(std::string_view wanted) const {
  for (const auto& [key, value] : attributes) {
    if (same_name(key, wanted)) return value;
  }
  return {};
}

bool XmlElement::has_attribute(std::string_view wanted) const {
  return std::ranges::any_of(attributes,
                             [&](const auto& entry) { return same_name(entry.first, wanted); });
}

const XmlElement* XmlElement::child(std::string_view wanted) const {
  for (const XmlElement& element : children) {
    if (same_name(element.name, wanted)) return &element;
  }
  return nullptr;
}

std::string_view XmlElement::text_at(std::initializer_list<std::string_view> path) const {
  const XmlElement* at = this;
  for (const std::string_view part : path) {
    at = at->child(part);
    if (at == nullptr) return {};
  }
  return at->text;
}

Result<XmlElement> parse_xml(OctetView octets) {
  if (octets.size() > kMaxXmlOctets) return fail(Errc::limit_exceeded, "XML over 16 MiB");
  // Files of the registry's and of scheduled tasks say UTF-16 and were at times saved as UTF-8:
  // the octets decide, not what they say.
  pugi::xml_document document;
  const pugi::xml_parse_result parsed =
      document.load_buffer(octets.data(), octets.size(), pugi::parse_default, pugi::encoding_auto);
  if (!parsed) {
    return fail(Errc::invalid_input,
                fmt::format("XML, octet {}: {}", parsed.offset, parsed.description()));
  }
  const pugi::xml_node root = document.document_element();
  if (!root) return fail(Errc::invalid_input, "XML without an element");
  return Copier().copy(root, 0);
}

}  // namespace postern::exchange
