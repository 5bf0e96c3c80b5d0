// What a client is called by who forwards for it, where its address tells nothing.
#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/mac.h"

namespace postern::policy {

/// A short text of printable ASCII without a space. A value without allocation, as it goes with
/// each query.
class ClientId {
 public:
  static constexpr std::size_t kMaxOctets = 32;

  /// Nothing for an empty or too long one, or other characters.
  static std::optional<ClientId> from_text(std::string_view text) {
    const auto is_good = [](char c) { return c > ' ' && c < '\x7f'; };
    if (text.empty() || text.size() > kMaxOctets || !std::ranges::all_of(text, is_good)) {
      return std::nullopt;
    }
    ClientId id;
    std::ranges::copy(text, id.text_.begin());
    id.size_ = static_cast<std::uint8_t>(text.size());
    return id;
  }

  std::string_view view() const { return {text_.data(), size_}; }

  auto operator<=>(const ClientId&) const = default;

 private:
  ClientId() = default;

  std::array<char, kMaxOctets> text_{};
  std::uint8_t size_ = 0;
};

/// What a forwarder that is trusted says of the client that it asks for.
struct Identity {
  std::optional<ClientId> id{};
  std::optional<MacAddress> device{};
};

}  // namespace postern::policy
