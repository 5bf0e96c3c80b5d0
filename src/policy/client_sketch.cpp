#include "policy/client_sketch.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>

namespace postern::policy {
namespace {

constexpr unsigned kRegisters = 16;
constexpr unsigned kHashBits = 16;
constexpr unsigned kIndexBits = 4;
constexpr double kAlpha = 0.673;  // Of 16 registers.
constexpr std::size_t kHashes = std::size_t{1} << kHashBits;

std::uint16_t short_hash(std::uint64_t client_hash) {
  const auto hash = static_cast<std::uint16_t>(client_hash >> (64 - kHashBits));
  return hash == 0 ? std::uint16_t{1} : hash;  // 0 stands for none.
}

std::uint32_t rounded(double value) {
  return static_cast<std::uint32_t>(std::lround(value));
}

}  // namespace

void ClientSketch::add(std::uint64_t client_hash) {
  const std::uint16_t hash = short_hash(client_hash);
  if (is_estimate_) return raise(hash);
  std::uint64_t held = bits_;
  for (unsigned i = 0; i < kExact; ++i, held >>= kHashBits) {
    const auto at = static_cast<std::uint16_t>(held);
    if (at == hash) return;
    if (at != 0) continue;
    bits_ |= std::uint64_t{hash} << (i * kHashBits);
    return;
  }
  held = bits_;
  bits_ = 0;
  is_estimate_ = true;
  for (unsigned i = 0; i < kExact; ++i, held >>= kHashBits) raise(static_cast<std::uint16_t>(held));
  raise(hash);
}

void ClientSketch::raise(std::uint16_t hash) {
  const unsigned shift = (hash & (kRegisters - 1)) * 4;
  const auto rest = static_cast<std::uint16_t>(hash >> kIndexBits << kIndexBits);
  const auto rank =
      static_cast<std::uint64_t>(std::min<int>(std::countl_zero(rest), kHashBits - kIndexBits)) + 1;
  if (rank <= ((bits_ >> shift) & 15)) return;
  bits_ = (bits_ & ~(std::uint64_t{15} << shift)) | (rank << shift);
}

std::uint32_t ClientSketch::count() const {
  std::uint32_t exact = 0;
  if (!is_estimate_) {
    for (std::uint64_t held = bits_; held != 0; held >>= kHashBits) ++exact;
    return exact;
  }
  double sum = 0;
  unsigned empty = 0;
  for (unsigned i = 0; i < kRegisters; ++i) {
    const auto rank = static_cast<int>((bits_ >> (4 * i)) & 15);
    sum += std::ldexp(1.0, -rank);
    empty += rank == 0 ? 1 : 0;
  }
  double estimate = kAlpha * kRegisters * kRegisters / sum;
  if (estimate <= 2.5 * kRegisters && empty > 0) {
    estimate = kRegisters * std::log(static_cast<double>(kRegisters) / empty);
  }
  return std::max(rounded(estimate), kExact + 1);
}

ClientUnion::ClientUnion() : seen_(kHashes / 64) {}

void ClientUnion::add(const ClientSketch& sketch) {
  if (sketch.is_estimate()) {
    largest_ = std::max(largest_, sketch.count());
    return;
  }
  for (std::uint64_t held = sketch.bits(); held != 0; held >>= kHashBits) {
    const auto hash = static_cast<std::uint16_t>(held);
    seen_[hash / 64] |= std::uint64_t{1} << (hash % 64);
  }
}

std::uint32_t ClientUnion::count() const {
  std::size_t seen = 0;
  for (const std::uint64_t word : seen_) seen += static_cast<std::size_t>(std::popcount(word));
  // Some clients share a hash (linear counting; K.-Y. Whang et al., 1990).
  const std::size_t most = std::min(seen, kHashes - 1);
  const double clients = -static_cast<double>(kHashes) *
                         std::log1p(-static_cast<double>(most) / static_cast<double>(kHashes));
  return std::max(rounded(clients), largest_);
}

}  // namespace postern::policy
