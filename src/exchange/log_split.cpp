#include "exchange/log_split.h"

#include <cstring>

namespace postern::exchange {
namespace {

const char* find(const char* at, const char* end, char c) {
  if (at == end) return end;
  const void* found = std::memchr(at, c, static_cast<std::size_t>(end - at));
  return found == nullptr ? end : static_cast<const char*>(found);
}

std::string_view between(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

/// A value in quotation marks, `at` behind the first one; leaves `at` behind the value.
std::string_view take_quoted(const char*& at, const char* end, std::string& unquoted, bool& ok) {
  const char* const begin = at;
  const char* quote = find(at, end, '"');
  const bool plain = quote == end || quote + 1 == end || quote[1] == ',';
  if (plain) {
    ok = quote != end;
    at = ok ? quote + 1 : end;
    return between(begin, quote);
  }
  const std::size_t start = unquoted.size();
  while (true) {
    unquoted.append(at, quote);
    if (quote == end) {
      ok = false;
      at = end;
      break;
    }
    at = quote + 1;
    if (at == end || *at == ',') break;
    // Two of them are one; one in the middle of a value is kept as it is.
    unquoted += '"';
    if (*at == '"') ++at;
    quote = find(at, end, '"');
  }
  return std::string_view(unquoted).substr(start);
}

}  // namespace

void split_w3c(std::string_view line, std::vector<std::string_view>& values) {
  values.clear();
  const char* at = line.data();
  const char* const end = at + line.size();
  while (true) {
    const char* const stop = find(at, end, ' ');
    const std::string_view value = between(at, stop);
    values.push_back(value.size() == 1 && value.front() == '-' ? std::string_view{} : value);
    if (stop == end) return;
    at = stop + 1;
  }
}

bool split_csv(std::string_view line, std::vector<std::string_view>& values,
               std::string& unquoted) {
  values.clear();
  unquoted.clear();
  const char* at = line.data();
  const char* const end = at + line.size();
  bool ok = true;
  while (true) {
    if (at != end && *at == '"') {
      // Never grows past the line, so what was handed out stays where it is.
      if (unquoted.capacity() < line.size()) unquoted.reserve(line.size());
      ++at;
      values.push_back(take_quoted(at, end, unquoted, ok));
    } else {
      const char* const stop = find(at, end, ',');
      values.push_back(between(at, stop));
      at = stop;
    }
    if (at == end) return ok;
    ++at;  // The comma.
  }
}

}  // namespace postern::exchange
