// Octets of a text file to lines, block by block: UTF-8 or UTF-16, with or without a mark, any line
// ending, and the holes that a crash leaves.
//
// Lines are views into the block that is being fed, but for the one that crosses from the block
// before. Memory: one line of at most kMaxLineOctets (and, of UTF-16, the block as UTF-8).
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/octets.h"

namespace postern::exchange {

/// What is longer is cut there. IIS takes URLs of 16 KiB, Exchange writes calls of stacks of some
/// 100 KiB.
inline constexpr std::size_t kMaxLineOctets = 1U << 20;

struct Line {
  std::string_view text;     ///< Without its end, and without octets of zero around it.
  std::uint64_t number = 0;  ///< From 1.
  std::uint64_t offset = 0;  ///< In octets from the file's start.
  bool cut = false;          ///< It goes on for more than kMaxLineOctets.
  bool torn = false;         ///< The file, or what was written of it, ends before the line does.
};

/// Who wants the lines.
class LineSink {
 public:
  LineSink() = default;
  LineSink(const LineSink&) = delete;
  LineSink& operator=(const LineSink&) = delete;
  virtual ~LineSink() = default;

  /// The lines to come lie in `text`, in order, until the next call.
  virtual void on_text(std::string_view text) = 0;
  virtual void on_line(const Line& line) = 0;
};

/// Cuts one file. Not for two threads at once.
class LineCutter {
 public:
  /// `sink` must outlive it.
  explicit LineCutter(LineSink& sink) : sink_(sink) {}

  void feed(OctetView block);
  /// The last line, which may be without an end. Nothing may be fed after it.
  void finish();

  std::uint64_t octets() const { return octets_; }
  /// Octets of zero, of which a file that was set aside or torn is full: in no line.
  std::uint64_t zero_octets() const { return zero_octets_; }
  std::uint64_t lines() const { return line_; }
  std::uint64_t lines_cut() const { return lines_cut_; }
  bool is_wide() const {
    return encoding_ == Encoding::utf16_le || encoding_ == Encoding::utf16_be;
  }

 private:
  enum class Encoding : std::uint8_t { unknown, utf8, utf16_le, utf16_be };

  void begin();
  void feed_units(OctetView octets);
  void feed_text(std::string_view text);
  void feed_piece(std::string_view piece);
  void keep(std::string_view text);
  void give_kept(bool torn);
  void give(std::string_view text, std::uint64_t octets, bool cut, bool torn);
  std::uint64_t file_octets(std::string_view text) const;

  LineSink& sink_;
  Encoding encoding_ = Encoding::unknown;
  std::string head_;               ///< The first octets, until the encoding can be told.
  std::string kept_;               ///< The line that goes on in the next block.
  std::string decoded_;            ///< Of UTF-16: the block.
  std::uint64_t kept_octets_ = 0;  ///< What `kept_` was in the file, cut or not.
  bool keeping_ = false;
  int odd_octet_ = -1;           ///< Of UTF-16: the first half of a unit.
  std::uint32_t surrogate_ = 0;  ///< Of UTF-16: the first half of a pair.
  std::uint64_t octets_ = 0;
  std::uint64_t zero_octets_ = 0;
  std::uint64_t offset_ = 0;  ///< Where the next line begins.
  std::uint64_t line_ = 0;
  std::uint64_t lines_cut_ = 0;
};

/// The first octets of a file as UTF-8 without zeros, to tell what it is.
std::string text_of_head(OctetView head);

}  // namespace postern::exchange
