#include "exchange/fold.h"

#include <algorithm>
#include <cstring>

namespace postern::exchange {
namespace {

using Table = std::array<char, 256>;

constexpr Table make(Fold fold) {
  Table table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    char c = static_cast<char>(i);
    if (fold != Fold::none && c >= 'A' && c <= 'Z') c = static_cast<char>(c + ('a' - 'A'));
    if ((fold == Fold::web || fold == Fold::agent) && c == '+') c = ' ';
    if (fold == Fold::agent && c == ',') c = ' ';
    table[i] = c;
  }
  return table;
}

constexpr std::array<Table, kFoldCount> kTables = {make(Fold::none), make(Fold::ascii),
                                                   make(Fold::web), make(Fold::agent)};

bool same(const char* text, std::string_view needle, const Table& table) {
  for (std::size_t i = 0; i < needle.size(); ++i) {
    if (table[static_cast<unsigned char>(text[i])] != needle[i]) return false;
  }
  return true;
}

}  // namespace

const Table& fold_table(Fold fold) {
  return kTables[static_cast<std::size_t>(fold)];
}

std::string folded(std::string_view text, Fold fold) {
  const Table& table = fold_table(fold);
  std::string out(text);
  for (char& c : out) c = table[static_cast<unsigned char>(c)];
  return out;
}

bool same_letters(std::string_view a, std::string_view b) {
  const Table& table = fold_table(Fold::ascii);
  return a.size() == b.size() && std::ranges::equal(a, b, [&](char x, char y) {
           return table[static_cast<unsigned char>(x)] == table[static_cast<unsigned char>(y)];
         });
}

bool equals_folded(std::string_view text, std::string_view needle, Fold fold) {
  return text.size() == needle.size() && same(text.data(), needle, fold_table(fold));
}

bool starts_folded(std::string_view text, std::string_view needle, Fold fold) {
  return text.size() >= needle.size() && same(text.data(), needle, fold_table(fold));
}

bool ends_folded(std::string_view text, std::string_view needle, Fold fold) {
  return text.size() >= needle.size() &&
         same(text.data() + text.size() - needle.size(), needle, fold_table(fold));
}

bool contains_folded(std::string_view text, std::string_view needle, Fold fold) {
  if (needle.empty()) return true;
  if (text.size() < needle.size()) return false;
  const Table& table = fold_table(fold);
  const char first = needle.front();
  const std::string_view rest = needle.substr(1);
  const char* const last = text.data() + (text.size() - needle.size());
  for (const char* at = text.data(); at <= last; ++at) {
    if (table[static_cast<unsigned char>(*at)] == first && same(at + 1, rest, table)) return true;
  }
  return false;
}

}  // namespace postern::exchange
