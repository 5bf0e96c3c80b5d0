#include "windows/event_xml.h"

#include <algorithm>

namespace postern::windows {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

bool is_name_char(char c) {
  const auto octet = static_cast<unsigned char>(c);
  return octet > 0x7F || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
         (c >= 'a' && c <= 'z') || c == '_' || c == '-' || c == '.' || c == ':';
}

/// Empty for what stands as it is; a quote needs it within an attribute only.
std::string_view escape_of(char c, bool in_attribute) {
  switch (c) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return in_attribute ? "&quot;" : std::string_view{};
    case '\t':
    case '\n':
      return {};
    case '\r':
      return "&#13;";
    default:
      return static_cast<unsigned char>(c) < 0x20 ? kReplacement : std::string_view{};
  }
}

}  // namespace

void EventXml::begin() {
  out_.clear();
  open_.clear();
  at_ = At::content;
}

/// A hostile name must not end its tag.
void EventXml::name(std::string_view name) {
  if (name.empty()) out_ += '_';
  for (const char c : name) out_ += is_name_char(c) ? c : '_';
}

void EventXml::open(std::string_view element, KnownName) {
  end_start_tag();
  out_ += '<';
  name(element);
  open_.push_back(element);
  at_ = At::start_tag;
}

void EventXml::attribute(std::string_view attribute, KnownName) {
  if (at_ == At::content) return;
  end_attribute();
  attribute_ = attribute;
  leave_out_ = false;
  at_ = At::attribute_name;
}

void EventXml::content() {
  if (at_ != At::content) end_attribute();
}

void EventXml::end_attribute() {
  if (at_ == At::attribute_name && !leave_out_) begin_text();
  if (at_ == At::attribute) out_ += '"';
  at_ = At::start_tag;
}

void EventXml::end_start_tag() {
  if (at_ == At::content) return;
  end_attribute();
  out_ += '>';
  at_ = At::content;
}

/// Before text of an attribute or an element.
void EventXml::begin_text() {
  if (at_ == At::attribute_name) {
    out_ += ' ';
    name(attribute_);
    out_ += "=\"";
    at_ = At::attribute;
  } else if (at_ == At::start_tag) {
    end_start_tag();
  }
}

void EventXml::text(std::string_view text) {
  if (text.empty()) return;
  begin_text();
  escaped(text);
}

void EventXml::value(const BinXmlValue& value, bool optional) {
  if (optional && at_ == At::attribute_name && (value.is_null() || value.octets.empty())) {
    leave_out_ = true;
    return;
  }
  scratch_.clear();
  text(value_text(value, scratch_));
}

void EventXml::escaped(std::string_view text) {
  const bool in_attribute = at_ == At::attribute;
  while (!text.empty()) {
    const auto plain = std::find_if(text.begin(), text.end(),
                                    [&](char c) { return !escape_of(c, in_attribute).empty(); });
    const auto count = static_cast<std::size_t>(plain - text.begin());
    out_ += text.substr(0, count);
    if (count == text.size()) return;
    out_ += escape_of(text[count], in_attribute);
    text.remove_prefix(count + 1);
  }
}

void EventXml::close() {
  if (open_.empty()) return;
  if (at_ != At::content) {
    end_attribute();
    out_ += "/>";
  } else {
    out_ += "</";
    name(open_.back());
    out_ += '>';
  }
  at_ = At::content;
  open_.pop_back();
}

}  // namespace postern::windows
