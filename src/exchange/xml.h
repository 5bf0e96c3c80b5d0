// XML of a swept server as values: configuration files, tasks. The parser stays in xml.cpp.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/octets.h"
#include "base/result.h"

namespace postern::exchange {

/// One element. Names are found whatever their case: Windows' readers differ in that.
struct XmlElement {
  std::string name;
  std::vector<std::pair<std::string, std::string>> attributes;
  std::string text;  ///< All text directly in it, without blanks at its ends.
  std::vector<XmlElement> children;

  /// Empty where there is none.
  std::string_view attribute(std::string_view wanted) const;
  bool has_attribute(std::string_view wanted) const;
  /// The first child of that name, or nullptr.
  const XmlElement* child(std::string_view wanted) const;
  /// The text of the element that the names lead to from here; empty where there is none.
  std::string_view text_at(std::initializer_list<std::string_view> path) const;
};

/// Bounds of a document: larger ones are `limit_exceeded`.
inline constexpr std::size_t kMaxXmlOctets = 16U << 20;
inline constexpr std::size_t kMaxXmlElements = 200'000;
inline constexpr std::size_t kMaxXmlDepth = 64;

/// The root element. UTF-8 or UTF-16, with or without a mark. Entities of a document type are not
/// read, nor anything outside the octets.
Result<XmlElement> parse_xml(OctetView octets);

/// Equal but for the case of ASCII letters.
bool same_name(std::string_view one, std::string_view other);

}  // namespace postern::exchange
