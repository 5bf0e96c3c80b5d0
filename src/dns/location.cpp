#include "dns/location.h"

#include <charconv>
#include <cstdint>
#include <optional>

#include <fmt/format.h>

namespace postern::dns {
namespace {

constexpr std::size_t kRdataOctets = 16;
constexpr std::uint32_t kEquator = 0x80000000;  // Of angles, in thousandths of a second.
constexpr std::uint32_t kPerDegree = 60 * 60 * 1000;
constexpr std::int64_t kDatum = 100000 * 100;                 // Of altitudes, in centimetres.
constexpr std::uint8_t kDefaultSizes[] = {0x12, 0x16, 0x13};  // 1 m, 10 km, 10 m.

// A decimal number times `scale` (10 to the power of the most decimals allowed); nothing over
// `max` (after scaling).
std::optional<std::uint64_t> scaled(std::string_view text, std::uint64_t scale, std::uint64_t max) {
  const std::size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(whole.data(), whole.data() + whole.size(), value);
  if (error != std::errc{} || end != whole.data() + whole.size() || value > max) return {};
  value *= scale;
  if (dot != std::string_view::npos) {
    for (const char c : text.substr(dot + 1)) {
      if (c < '0' || c > '9' || scale == 1) return {};
      scale /= 10;
      value += static_cast<std::uint64_t>(c - '0') * scale;
    }
  }
  if (value > max) return {};
  return value;
}

// Takes tokens from the front.
class Tokens {
 public:
  explicit Tokens(std::span<const std::string_view> tokens) : tokens_(tokens) {}

  bool empty() const { return tokens_.empty(); }
  std::string_view take() {
    if (tokens_.empty()) return {};
    const std::string_view token = tokens_.front();
    tokens_ = tokens_.subspan(1);
    return token;
  }

 private:
  std::span<const std::string_view> tokens_;
};

// Degrees, perhaps minutes, perhaps seconds, then one of the two letters.
std::optional<std::uint32_t> parse_angle(Tokens& tokens, std::uint32_t max_degrees,
                                         std::string_view letters) {
  const std::uint64_t maxima[] = {max_degrees, 59, 59999};
  const std::uint64_t units[] = {kPerDegree, 60000, 1};
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= 3; ++i) {
    const std::string_view token = tokens.take();
    const bool is_letter = token.size() == 1 && letters.find(token[0]) != std::string_view::npos;
    if (is_letter && i > 0) {
      if (total > std::uint64_t{max_degrees} * kPerDegree) return {};
      const auto angle = static_cast<std::uint32_t>(total);
      // The second letter and its lower case are those of the negative half.
      return letters.find(token[0]) % 2 == 0 ? kEquator + angle : kEquator - angle;
    }
    if (i == 3) return {};
    const auto value = scaled(token, i == 2 ? 1000 : 1, maxima[i]);
    if (!value) return {};
    total += *value * units[i];
  }
  return {};
}

std::string_view without_metre(std::string_view token) {
  if (token.ends_with('m') || token.ends_with('M')) token.remove_suffix(1);
  return token;
}

std::optional<std::uint32_t> parse_altitude(std::string_view token) {
  token = without_metre(token);
  const bool is_negative = token.starts_with('-');
  if (is_negative || token.starts_with('+')) token.remove_prefix(1);
  const std::uint64_t max = is_negative ? kDatum : 0xffffffff - kDatum;
  const auto value = scaled(token, 100, max);
  if (!value) return {};
  const auto centimetres = static_cast<std::int64_t>(*value);
  return static_cast<std::uint32_t>(kDatum + (is_negative ? -centimetres : centimetres));
}

// A size as digit and power of ten, in centimetres, rounded down.
std::optional<std::uint8_t> parse_size(std::string_view token) {
  auto value = scaled(without_metre(token), 100, 9000000000);
  if (!value) return {};
  unsigned exponent = 0;
  for (; *value > 9; *value /= 10) ++exponent;
  return static_cast<std::uint8_t>(*value << 4 | exponent);
}

bool is_size(std::uint8_t octet) {
  return (octet >> 4) <= 9 && (octet & 0xf) <= 9 && (octet >> 4 != 0 || octet == 0);
}

std::string size_text(std::uint8_t octet) {
  std::uint64_t centimetres = octet >> 4;
  for (unsigned i = octet & 0xfU; i > 0; --i) centimetres *= 10;
  return fmt::format("{}.{:02}m", centimetres / 100, centimetres % 100);
}

bool append_angle(std::uint32_t value, std::uint32_t max_degrees, std::string_view letters,
                  std::string& out) {
  const bool is_positive = value >= kEquator;
  const std::uint32_t angle = is_positive ? value - kEquator : kEquator - value;
  if (angle > max_degrees * kPerDegree) return false;
  out += fmt::format("{} {} {}.{:03} {} ", angle / kPerDegree, angle / 60000 % 60,
                     angle / 1000 % 60, angle % 1000, letters[is_positive ? 0 : 1]);
  return true;
}

}  // namespace

bool append_location(std::span<const std::string_view> all, Octets& out) {
  Tokens tokens(all);
  const auto latitude = parse_angle(tokens, 90, "NSns");
  const auto longitude = latitude ? parse_angle(tokens, 180, "EWew") : std::nullopt;
  const auto altitude = longitude ? parse_altitude(tokens.take()) : std::nullopt;
  if (!altitude) return false;
  std::uint8_t rdata[kRdataOctets] = {0};
  for (std::size_t i = 0; i < std::size(kDefaultSizes); ++i) {
    const auto size = tokens.empty() ? kDefaultSizes[i] : parse_size(tokens.take());
    if (!size) return false;
    rdata[1 + i] = *size;
  }
  store_u32(rdata + 4, *latitude);
  store_u32(rdata + 8, *longitude);
  store_u32(rdata + 12, *altitude);
  out.insert(out.end(), rdata, rdata + kRdataOctets);
  return tokens.empty();
}

bool print_location(OctetView rdata, std::string& out) {
  if (rdata.size() != kRdataOctets || rdata[0] != 0) return false;
  if (!is_size(rdata[1]) || !is_size(rdata[2]) || !is_size(rdata[3])) return false;
  if (!append_angle(load_u32(&rdata[4]), 90, "NS", out)) return false;
  if (!append_angle(load_u32(&rdata[8]), 180, "EW", out)) return false;
  const std::int64_t altitude = load_u32(&rdata[12]) - kDatum;
  const std::int64_t distance = altitude < 0 ? -altitude : altitude;
  out += fmt::format("{}{}.{:02}m {} {} {}", altitude < 0 ? "-" : "", distance / 100,
                     distance % 100, size_text(rdata[1]), size_text(rdata[2]), size_text(rdata[3]));
  return true;
}

}  // namespace postern::dns
