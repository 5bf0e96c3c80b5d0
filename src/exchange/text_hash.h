// A hash of text that costs little on long lines. Nobody's tables depend on its being secret: what
// is found by it is compared.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace postern::exchange {

/// The same in every run, on machines of one byte order.
inline std::uint64_t text_hash(std::string_view text) {
  __extension__ using U128 = unsigned __int128;
  constexpr std::uint64_t kFirst = 0xA0761D6478BD642F;
  constexpr std::uint64_t kSecond = 0xE7037ED1A0B428DB;
  const auto fold = [](std::uint64_t a, std::uint64_t b) {
    const U128 product = static_cast<U128>(a) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64U);
  };
  const auto load = [](const char* at) {
    std::uint64_t word = 0;
    std::memcpy(&word, at, sizeof word);
    return word;
  };
  std::uint64_t state = kFirst ^ text.size();
  const char* at = text.data();
  std::size_t left = text.size();
  for (; left > 16; left -= 16, at += 16) {
    state = fold(load(at) ^ kFirst, load(at + 8) ^ state);
  }
  std::uint64_t tail[2] = {0, 0};
  if (left > 0) std::memcpy(tail, at, left);
  return fold(kSecond ^ text.size(), fold(tail[0] ^ kSecond, tail[1] ^ state));
}

}  // namespace postern::exchange
