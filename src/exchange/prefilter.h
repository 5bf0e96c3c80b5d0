// Prefilter: many patterns looked for in a text at once (Hyperscan).
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

struct hs_database;
struct hs_scratch;

namespace postern::exchange {

/// Compiled patterns. Immutable; may be read from any thread.
class Prefilter {
 public:
  /// Where a pattern was met.
  struct Hit {
    std::size_t end = 0;  ///< The offset behind its last octet.
    std::uint32_t pattern = 0;
  };

  /// What a thread needs to look: one of its own.
  class Eye {
   public:
    /// All hits in `text`, by their end, into `hits`. The time is linear in the text.
    void look(std::string_view text, std::vector<Hit>& hits);

   private:
    friend class Prefilter;
    struct Free {
      void operator()(hs_scratch* scratch) const;
    };
    Eye(std::shared_ptr<const hs_database> database, std::unique_ptr<hs_scratch, Free> scratch)
        : database_(std::move(database)), scratch_(std::move(scratch)) {}

    std::shared_ptr<const hs_database> database_;  ///< Null: there is no pattern.
    std::unique_ptr<hs_scratch, Free> scratch_;
  };

  /// No patterns: never a hit. Fails where the processor is none that Hyperscan runs on.
  static Result<Prefilter> compile(const std::vector<std::string>& patterns);
  Result<Eye> eye() const;

 private:
  explicit Prefilter(std::shared_ptr<const hs_database> database)
      : database_(std::move(database)) {}

  std::shared_ptr<const hs_database> database_;
};

}  // namespace postern::exchange
