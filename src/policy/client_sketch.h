// ClientSketch: about how many clients there were, in eight octets and without any address.
#pragma once

#include <cstdint>
#include <vector>

namespace postern::policy {

/// Exact up to kExact clients, then an estimate within some 25 % (HyperLogLog with 16 registers;
/// P. Flajolet et al., 2007). Clients are given as keyed hashes, of which 16 bits are used: a
/// sketch tells nothing of who they were to those without the key, and little to those with it. A
/// value.
class ClientSketch {
 public:
  static constexpr unsigned kExact = 4;

  ClientSketch() = default;
  /// As `bits` and `is_estimate` gave them.
  ClientSketch(std::uint64_t bits, bool is_estimate) : bits_(bits), is_estimate_(is_estimate) {}

  void add(std::uint64_t client_hash);
  std::uint32_t count() const;

  std::uint64_t bits() const { return bits_; }
  bool is_estimate() const { return is_estimate_; }

 private:
  friend class ClientUnion;
  void raise(std::uint16_t hash);

  std::uint64_t bits_ = 0;  // Four hashes, none of them 0; or 16 registers of four bits.
  bool is_estimate_ = false;
};

/// About how many clients there were in many sketches together: at least so many. Takes 8 KiB.
class ClientUnion {
 public:
  ClientUnion();
  void add(const ClientSketch& sketch);
  std::uint32_t count() const;

 private:
  std::vector<std::uint64_t> seen_;  // A bit for each hash that a sketch holds as it is.
  std::uint32_t largest_ = 0;        // Of those that are estimates.
};

}  // namespace postern::policy
