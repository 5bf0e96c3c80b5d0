#include "api/query_string.h"

#include <cstdint>

#include "api/limits.h"

namespace postern::api {
namespace {

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<std::string> percent_decode(std::string_view text, Plus plus) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == '%') {
      const int high = i + 1 < text.size() ? hex_value(text[i + 1]) : -1;
      const int low = i + 2 < text.size() ? hex_value(text[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return fail(Errc::invalid_input, "a \"%\" is not followed by two hexadecimal digits");
      }
      c = static_cast<char>(high * 16 + low);
      i += 2;
    } else if (c == '+' && plus == Plus::is_space) {
      c = ' ';
    }
    const auto octet = static_cast<std::uint8_t>(c);
    if (octet < 0x20 || octet == 0x7F) {
      return fail(Errc::invalid_input, "a control character in the request target");
    }
    out += c;
  }
  return out;
}

Result<Params> Params::from_query(std::string_view query) {
  Params params;
  while (!query.empty()) {
    const std::size_t end = query.find('&');
    const std::string_view piece = query.substr(0, end);
    query = end == std::string_view::npos ? std::string_view() : query.substr(end + 1);
    if (piece.empty()) continue;
    if (params.params_.size() == kMaxParams) {
      return fail(Errc::limit_exceeded, "too many parameters");
    }
    const std::size_t equals = piece.find('=');
    std::string name = POSTERN_TRY(percent_decode(piece.substr(0, equals), Plus::is_space));
    std::string value;
    if (equals != std::string_view::npos) {
      value = POSTERN_TRY(percent_decode(piece.substr(equals + 1), Plus::is_space));
    }
    for (const auto& [other, unused] : params.params_) {
      if (other == name) {
        return fail(Errc::invalid_input, "the parameter \"" + name + "\" is given twice");
      }
    }
    params.params_.emplace_back(std::move(name), std::move(value));
  }
  return params;
}

std::optional<std::string_view> Params::get(std::string_view name) const {
  for (const auto& [other, value] : params_) {
    if (other == name && !value.empty()) return value;
  }
  return std::nullopt;
}

}  // namespace postern::api
