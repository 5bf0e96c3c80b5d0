// Content signatures: rules of YARA's language over octets. libyara stays in yara.cpp.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "exchange/finding.h"

namespace postern::host {

/// A text of rules, and what it is called in messages.
struct YaraSource {
  std::string name, text;
};

/// Rules, compiled. Any thread may read them. They may name the variables filename, filepath,
/// extension, filetype and owner.
class YaraRules {
 public:
  struct Refused {
    std::string name, why;
  };

  /// A text that does not compile is left out, and said; an error where none is left.
  static Result<YaraRules> compile(std::span<const YaraSource> sources);

  YaraRules(YaraRules&&) noexcept;
  YaraRules& operator=(YaraRules&&) noexcept;
  ~YaraRules();

  std::size_t count() const { return count_; }
  const std::vector<Refused>& refused() const { return refused_; }

 private:
  friend class YaraScanner;
  struct Compiled;

  YaraRules();
  std::unique_ptr<Compiled> compiled_;
  std::size_t count_ = 0;
  std::vector<Refused> refused_;
};

/// Scans with one set of rules. One thread at a time; one for each thread.
class YaraScanner {
 public:
  static constexpr int kTimeoutS = 20;  ///< For one file; then `timed_out`.

  /// `rules` must outlive it.
  static Result<YaraScanner> make(const YaraRules& rules);
  YaraScanner(YaraScanner&&) noexcept;
  YaraScanner& operator=(YaraScanner&&) noexcept;
  ~YaraScanner();

  /// Findings "yara:NAME", with the author and the score that a rule's meta says (75 where none).
  /// `path` is given to the rules, and is the findings' place.
  Result<std::vector<exchange::Finding>> scan(std::string_view path, OctetView content);

 private:
  struct State;
  explicit YaraScanner(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace postern::host
