// TextItems: several texts of any octets in one, and back.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace postern::host {

/// Appends one: its length, a colon, its octets.
void append_item(std::string& to, std::string_view item);

/// Takes them off the front, in their order.
class TextItems {
 public:
  explicit TextItems(std::string_view text) : left_(text) {}

  bool empty() const { return left_.empty(); }
  /// Nothing at the end, and where the text is none that `append_item` made.
  std::optional<std::string_view> next();
  std::optional<std::uint64_t> next_number();

 private:
  std::string_view left_;
};

}  // namespace postern::host
