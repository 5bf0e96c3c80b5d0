// The STIX objects of a collection, as far as a stix feed has a use for them: each one once, in its
// newest version. What a TAXII feed keeps as its copy.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "intel/json_value.h"

namespace postern::intel {

/// One thread.
///
/// Kept are indicators with STIX patterns, the markings that they may refer to, and of revoked
/// indicators that they are revoked. An object that is no good JSON is kept too: the reader of the
/// feed says what is wrong with it.
class StixObjects {
 public:
  static constexpr std::size_t kMaxObjects = 5'000'000;

  /// `max_octets`: of all objects together, as text.
  explicit StixObjects(std::uint64_t max_octets) : max_octets_(max_octets) {}

  /// Takes one object: over an older version of it, not over a newer one (STIX 2.1 §3.6). Nothing
  /// becomes of objects that are of no use. Errors: `limit_exceeded`.
  Result<void> take(std::string_view object);
  /// Takes all objects of a text that `to_text` made.
  Result<void> take_lines(std::string_view text);

  /// An object a line, markings first, else in the order in which they first came; "[]" where there
  /// are none. The format stix reads it.
  std::string to_text() const;
  std::size_t size() const { return lines_.size(); }
  /// Whether `take` would keep the object.
  bool is_of_use(std::string_view object);

 private:
  struct Facts {
    std::string id;
    WallTime modified{};
    std::string line;  // Empty: the object is of no use.
    bool is_marking = false;
  };
  struct Line {
    WallTime modified{};
    std::string text;
    bool is_marking = false;
  };

  Facts facts_of(std::string_view object);

  const std::uint64_t max_octets_;
  std::uint64_t octets_ = 0;
  JsonParser parser_;
  std::vector<Line> lines_;
  std::unordered_map<std::string, std::size_t> index_by_id_;
};

}  // namespace postern::intel
