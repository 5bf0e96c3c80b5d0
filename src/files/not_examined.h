// NotExamined: what was left out, and why, so that silence never means "clean".
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace postern::files {

enum class Reason : std::uint8_t {
  vanished,        ///< Was listed, and gone when it was looked at.
  denied,          ///< Permission.
  unreadable,      ///< The disk, or the file system, does not give it.
  link,            ///< A link or junction to what is not beneath the root; never followed.
  special,         ///< A FIFO, socket or device; never opened.
  loop,            ///< A folder that stands in itself.
  too_deep,        ///< More folders in each other than are walked.
  too_many,        ///< More entries than are walked.
  too_large,       ///< More octets than are read.
  changed,         ///< Somebody wrote to it while it was read.
  not_understood,  ///< Its content is not what it should be: torn, malformed.
  timed_out,       ///< Took longer than it may.
};

/// "vanished", "denied", …; "not understood" and the like with a space.
std::string_view to_string(Reason reason);

/// What an error of opening or reading says: vanished, denied, too_large or unreadable.
Reason reason_of(const Error& error);

struct NotExamined {
  std::string path;  ///< Beneath the root; of what is in an archive "a.zip!/b".
  Reason reason{};
  std::string text;  ///< What exactly, for a person.

  bool operator==(const NotExamined&) const = default;
};

/// The list of a sweep. Bounded: the first ones are named, all are counted. Used by one thread.
class NotExaminedList {
 public:
  /// Each is a path and a sentence: some 25 MiB.
  static constexpr std::size_t kMaxNamed = 100'000;

  void add(std::string_view path, Reason reason, std::string_view text);
  /// With the reason and the text of an error.
  void add(std::string_view path, const Error& error);

  const std::vector<NotExamined>& named() const { return named_; }
  /// All, those that are not named included.
  std::uint64_t count() const { return count_; }
  bool empty() const { return count_ == 0; }

 private:
  std::vector<NotExamined> named_;
  std::uint64_t count_ = 0;
};

}  // namespace postern::files
