// Writes numbers and text the way Windows' files hold them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/octets.h"

namespace postern::windows::testing {

inline void put_little(Octets& to, std::uint64_t number, std::size_t octets) {
  for (std::size_t i = 0; i < octets; ++i)
    to.push_back(static_cast<std::uint8_t>(number >> (i * 8)));
}
inline void put_u16(Octets& to, std::uint64_t number) {
  put_little(to, number, 2);
}
inline void put_u32(Octets& to, std::uint64_t number) {
  put_little(to, number, 4);
}
inline void put_u64(Octets& to, std::uint64_t number) {
  put_little(to, number, 8);
}

inline void set_little(Octets& to, std::size_t at, std::uint64_t number, std::size_t octets) {
  for (std::size_t i = 0; i < octets; ++i)
    to[at + i] = static_cast<std::uint8_t>(number >> (i * 8));
}

inline void put_octets(Octets& to, OctetView octets) {
  to.insert(to.end(), octets.begin(), octets.end());
}

/// ASCII text as UTF-16.
inline Octets utf16(std::string_view ascii) {
  Octets text;
  for (const char c : ascii) put_u16(text, static_cast<std::uint8_t>(c));
  return text;
}

inline void pad(Octets& to, std::size_t multiple) {
  while (to.size() % multiple != 0) to.push_back(0);
}

}  // namespace postern::windows::testing
