// Domain names: the value type that everything above the wire format speaks of.
//
// Start at Name. Text form is RFC 1035 §5.1, wire form RFC 1035 §3.1 and §4.1.4;
// names compare without regard to ASCII case (RFC 4343), so they are kept in
// lower case and compare as plain octets.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "base/octets.h"
#include "base/result.h"

namespace postern::dns {

enum class NameError : std::uint8_t {
  empty_label,      ///< Two dots in a row, or one at the start.
  label_too_long,   ///< Over Name::kMaxLabelOctets.
  name_too_long,    ///< Over Name::kMaxOctets.
  bad_escape,       ///< "\" not followed by a character or by 000 to 255.
  bad_label_type,   ///< A length octet of 0x40 to 0xBF (RFC 1035 §4.1.4).
  bad_pointer,      ///< A compression pointer that does not point backwards, or one too many.
  truncated,        ///< The message ends inside the name.
  trailing_octets,  ///< Octets behind what should be one whole name.
};

std::string_view to_string(NameError error);

/// An absolute domain name, in lower case.
///
/// Owns its octets, inline (256 octets): copying never allocates. A plain value: a
/// const Name may be read from any thread. No error path below allocates either, so
/// that refusing hostile packets stays cheap.
class Name {
 public:
  static constexpr std::size_t kMaxOctets = 255;      ///< With the root's; RFC 1035 §2.3.4.
  static constexpr std::size_t kMaxLabelOctets = 63;  ///< RFC 1035 §2.3.4.
  static constexpr std::size_t kMaxLabels = 127;      ///< Follows from the two above.
  /// Compression pointers followed in one name. One before each label is all that a name can
  /// need; without a bound a chain of bare pointers would cost a message's length for each name.
  static constexpr std::size_t kMaxPointers = kMaxLabels;

  /// The root, ".".
  Name() { octets_[0] = 0; }
  Name(const Name& other) : size_(other.size_) { copy_from(other); }
  Name& operator=(const Name& other) {
    if (this == &other) return *this;
    size_ = other.size_;
    copy_from(other);
    return *this;
  }

  /// Reads "example.com" or "example.com."; both are absolute. "" is an error,
  /// "." the root. Escapes are "\X" and "\DDD", a decimal octet.
  static Result<Name, NameError> from_text(std::string_view text);

  /// Reads the name at `message[offset]`, following compression pointers, and
  /// moves `offset` past it: past the first pointer if there is one. On error
  /// `offset` is left as it was. Ends on any input: what a pointer leads to
  /// must be whole before the place where the labels being read began, and of a
  /// name behind the header of a message not in that.
  static Result<Name, NameError> from_wire(OctetView message, std::size_t& offset);

  /// The same into this Name, which is the root on error. For hot paths: saves a copy.
  Result<void, NameError> assign_from_wire(OctetView message, std::size_t& offset);

  /// Reads labels that are a whole name, uncompressed, and nothing more, already in
  /// lower case: as `wire()` gave them.
  static Result<Name, NameError> from_labels(OctetView labels);

  /// Length-prefixed labels, the root label included: 1 to kMaxOctets octets.
  /// Valid while this Name lives and is not assigned to.
  OctetView wire() const { return {octets_.data(), size_}; }

  bool is_root() const { return size_ == 1; }

  /// The number of labels, the root not counted: 2 for "example.com.".
  std::size_t label_count() const;

  /// With a dot at the end, escaped so that `from_text` gives this Name back.
  std::string to_text() const;
  /// Without the dot at the end ("." for the root): for people, logs and lists.
  std::string to_display() const;

  /// True for the name itself and for every name below it.
  bool is_at_or_below(const Name& ancestor) const;

  /// This name without its `count` leftmost labels. `count` is at most label_count().
  Name without_left(std::size_t count) const;

  /// `left`'s labels before this name's. An error if that is too long.
  Result<Name, NameError> with_prefix(const Name& left) const;

  friend bool operator==(const Name& a, const Name& b) {
    return a.size_ == b.size_ && std::memcmp(a.octets_.data(), b.octets_.data(), a.size_) == 0;
  }
  /// Canonical order, RFC 4034 §6.1: by labels from the right.
  friend std::strong_ordering operator<=>(const Name& a, const Name& b);

 private:
  void copy_from(const Name& other) { std::memcpy(octets_.data(), other.octets_.data(), size_); }

  std::uint8_t size_ = 1;
  std::array<std::uint8_t, kMaxOctets> octets_;  // Only the first size_ are set.
};

/// Moves `offset` past the name there, as `Name::from_wire` does and with the same errors,
/// without keeping it. Gives what it costs to read: labels and pointers. On error `offset` is left
/// as it was.
Result<std::size_t, NameError> skip_name(OctetView message, std::size_t& offset);

/// Writes the name at `message[offset]` to `out`, without compression and in the case it has
/// there, and moves `offset` past it; gives its size. For what must be passed on unchanged.
Result<std::size_t, NameError> expand_name(OctetView message, std::size_t& offset,
                                           std::span<std::uint8_t, Name::kMaxOctets> out);

/// For unordered containers off the hot path and never for names an outsider chooses:
/// not keyed. The policy's table has its own keyed hash.
struct NameHash {
  std::size_t operator()(const Name& name) const noexcept;
};

}  // namespace postern::dns
