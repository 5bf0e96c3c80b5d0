// One line to its values, as views.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace postern::exchange {

/// Values between single blanks; "-" is no value. Appends to nothing: `values` is made anew.
void split_w3c(std::string_view line, std::vector<std::string_view>& values);

/// Values between commas; one that begins with a quotation mark ends at the next single one, and
/// two of them inside are one. `unquoted` holds the values that had such, and is made anew. False:
/// a quotation mark has no partner; the rest of the line is its value.
bool split_csv(std::string_view line, std::vector<std::string_view>& values, std::string& unquoted);

}  // namespace postern::exchange
