#include "intel/json_items.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include <fmt/format.h>

#include "intel/text.h"

namespace postern::intel {
namespace {

constexpr std::string_view kBlanks = " \t\r\n";

/// Which octets end a run; one look-up an octet, where std::string_view searches the set for each.
using Stops = std::array<bool, 256>;

constexpr Stops stops_at(std::string_view octets) {
  Stops stops{};
  for (const char c : octets) stops[static_cast<unsigned char>(c)] = true;
  return stops;
}

constexpr Stops kInString = stops_at("\"\\");
constexpr Stops kInObject = stops_at("\"{}[]");
constexpr Stops kInWord = stops_at(" \t\r\n,]}[{\":");

std::size_t find_stop(std::string_view text, std::size_t at, const Stops& stops) {
  while (at < text.size() && !stops[static_cast<unsigned char>(text[at])]) ++at;
  return at;
}

struct Fault {
  std::size_t offset = 0;
  std::string_view text;  // Static.
};

/// Goes over the outer structure of a text, up to the items, once.
class Walk {
 public:
  /// `emit(text, keys)` is called for each item; false: stop.
  template <class Emit>
  static std::optional<Fault> over(std::string_view text, const JsonItemPlaces& places,
                                   Emit&& emit) {
    Walk walk(text, places);
    while (const auto item = walk.next()) {
      if (!emit(*item, JsonKeys(walk.keys_))) return std::nullopt;
    }
    return walk.fault_;
  }

 private:
  enum class Expect : std::uint8_t { value, value_or_end, key, key_or_end, comma_or_end };

  struct Frame {
    std::size_t begin = 0;
    bool is_array = false;
    bool has_items = false;  // An array: its elements are items.
  };

  Walk(std::string_view text, const JsonItemPlaces& places) : text_(text), places_(places) {}

  std::optional<std::string_view> next() {
    while (!fault_) {
      at_ = std::min(text_.find_first_not_of(kBlanks, at_), text_.size());
      if (at_ == text_.size()) {
        if (!frames_.empty()) fail("the text ends inside an object or array; it was cut off");
        return std::nullopt;
      }
      if (const auto item = step(text_[at_])) return item;
    }
    return std::nullopt;
  }

  std::optional<std::string_view> step(char c) {
    switch (expect_) {
      case Expect::comma_or_end:
        if (c == ',') {
          ++at_;
          expect_ = frames_.back().is_array ? Expect::value : Expect::key;
          return std::nullopt;
        }
        return end(c);
      case Expect::key_or_end:
        if (c == '}') return end(c);
        return key(c);
      case Expect::key:
        return key(c);
      case Expect::value_or_end:
        if (c == ']') return end(c);
        return value(c);
      case Expect::value:
        return value(c);
    }
    return std::nullopt;
  }

  std::optional<std::string_view> key(char c) {
    const std::size_t begin = at_ + 1;
    if (c != '"') return fail("a key in quotation marks is missing");
    if (!pass_string()) return std::nullopt;
    keys_.back() = text_.substr(begin, at_ - 1 - begin);
    at_ = std::min(text_.find_first_not_of(kBlanks, at_), text_.size());
    if (at_ == text_.size() || text_[at_] != ':') return fail("a colon behind a key is missing");
    ++at_;
    expect_ = Expect::value;
    return std::nullopt;
  }

  std::optional<std::string_view> value(char c) {
    const bool is_item = !frames_.empty() && frames_.back().has_items;
    const std::size_t begin = at_;
    if (frames_.empty() && c != '{' && c != '[') {
      return fail("neither an object nor an array; if the text is no JSON, set its format");
    }
    if (c == '[' || (c == '{' && !is_item)) return open(c, is_item);
    const bool passed = c == '{' ? pass_object() : c == '"' ? pass_string() : pass_word();
    if (!passed) return std::nullopt;
    after_value();
    if (!is_item) return std::nullopt;
    top_has_items_ = true;
    return text_.substr(begin, at_ - begin);
  }

  std::optional<std::string_view> open(char c, bool has_items) {
    if (frames_.size() >= JsonParser::kMaxDepth) {
      return fail("arrays and objects over 64 deep; check the source");
    }
    Frame frame{.begin = at_, .is_array = c == '[', .has_items = has_items};
    if (frame.is_array) {
      frame.has_items = has_items || places_.is_item_array(keys_);
      expect_ = Expect::value_or_end;
    } else {
      if (keys_.empty()) top_has_items_ = false;
      keys_.emplace_back();
      expect_ = Expect::key_or_end;
    }
    frames_.push_back(frame);
    ++at_;
    return std::nullopt;
  }

  std::optional<std::string_view> end(char c) {
    if (frames_.empty() || c != (frames_.back().is_array ? ']' : '}')) {
      return fail("a comma or a closing bracket is missing");
    }
    ++at_;
    const Frame frame = frames_.back();
    frames_.pop_back();
    if (!frame.is_array) keys_.pop_back();
    after_value();
    if (frame.is_array || !keys_.empty() || top_has_items_) return std::nullopt;
    return text_.substr(frame.begin, at_ - frame.begin);
  }

  // Values behind each other need nothing between them on the outside.
  void after_value() { expect_ = frames_.empty() ? Expect::value : Expect::comma_or_end; }

  bool pass_string() {
    for (++at_;; at_ += 2) {
      at_ = find_stop(text_, at_, kInString);
      if (at_ >= text_.size()) break;
      if (text_[at_] == '\\') continue;
      ++at_;
      return true;
    }
    at_ = text_.size();
    fail("the text ends inside a string; it was cut off");
    return false;
  }

  bool pass_object() {
    for (std::size_t depth = 0;;) {
      at_ = find_stop(text_, at_, kInObject);
      if (at_ >= text_.size()) break;
      const char c = text_[at_];
      if (c == '"') {
        if (!pass_string()) return false;
        continue;
      }
      ++at_;
      if (c == '{' || c == '[') {
        ++depth;
      } else if (--depth == 0) {
        return true;
      }
    }
    at_ = text_.size();
    fail("the text ends inside an object or array; it was cut off");
    return false;
  }

  // A number, true, false or null: whether it is one is seen where it is used.
  bool pass_word() {
    const std::size_t begin = at_;
    at_ = find_stop(text_, at_, kInWord);
    if (at_ == begin) fail("a value is missing");
    return at_ > begin;
  }

  std::nullopt_t fail(std::string_view why) {
    if (!fault_) fault_ = Fault{at_, why};
    return std::nullopt;
  }

  std::string_view text_;
  const JsonItemPlaces& places_;
  std::size_t at_ = 0;
  Expect expect_ = Expect::value;
  std::vector<Frame> frames_;
  std::vector<std::string_view> keys_;
  bool top_has_items_ = false;  // The outermost object at hand had an item.
  std::optional<Fault> fault_;
};

std::string_view take_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = trimmed(text.substr(0, end));
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return line;
}

// True if each line is an object of its own, as the first two that are not blank tell.
bool is_object_a_line(std::string_view text) {
  std::string_view first;
  while (first.empty() && !text.empty()) first = take_line(text);
  std::string_view second;
  while (second.empty() && !text.empty()) second = take_line(text);
  return first.starts_with('{') && first.ends_with('}') && second.starts_with('{');
}

/// Reads items at their lines.
class Items {
 public:
  Items(std::string_view text, FeedSink& sink, JsonItemReader& reader)
      : text_(text), sink_(sink), reader_(reader) {}

  void read_whole() {
    const auto fault = walk(text_);
    if (!fault) return;
    sink_.fail(
        {Errc::invalid_input, fmt::format("line {}: {}", line_at(fault->offset), fault->text)});
  }

  void read_lines() {
    for (std::string_view rest = text_; !rest.empty() && !sink_.stopped();) {
      const std::string_view line = take_line(rest);
      if (line.empty()) {
        sink_.ignore();
        continue;
      }
      const auto fault = walk(line);
      if (!fault) continue;
      sink_.at_item(line_at(offset_of(line)));
      sink_.skip(line, fmt::format("is no JSON: {}", fault->text));
    }
  }

 private:
  std::optional<Fault> walk(std::string_view part) {
    return Walk::over(part, reader_, [&](std::string_view item, JsonKeys keys) {
      sink_.at_item(line_at(offset_of(item)));
      const auto value = parser_.parse(item);
      if (value) {
        reader_.read_item(*value, keys);
      } else {
        sink_.skip(item, value.error());
      }
      return !sink_.stopped();
    });
  }

  std::size_t offset_of(std::string_view part) const {
    return static_cast<std::size_t>(part.data() - text_.data());
  }

  // From 1. Offsets come in rising order, but for one in the line at hand.
  std::size_t line_at(std::size_t offset) {
    if (offset <= counted_) return line_;
    const auto begin = text_.begin();
    line_ +=
        static_cast<std::size_t>(std::count(begin + static_cast<std::ptrdiff_t>(counted_),
                                            begin + static_cast<std::ptrdiff_t>(offset), '\n'));
    counted_ = offset;
    return line_;
  }

  std::string_view text_;
  FeedSink& sink_;
  JsonItemReader& reader_;
  JsonParser parser_;
  std::size_t counted_ = 0;
  std::size_t line_ = 1;
};

}  // namespace

void read_json_items(std::string_view text, FeedSink& sink, JsonItemReader& reader) {
  Items items(text, sink, reader);
  if (is_object_a_line(text)) {
    items.read_lines();
  } else {
    items.read_whole();
  }
  sink.count_lines(text);
}

Result<std::vector<std::string_view>> json_item_texts(std::string_view text,
                                                      const JsonItemPlaces& places) {
  std::vector<std::string_view> items;
  const auto fault = Walk::over(text, places, [&](std::string_view item, JsonKeys) {
    items.push_back(item);
    return true;
  });
  if (fault) {
    return postern::fail(Errc::invalid_input,
                         fmt::format("octet {}: {}", fault->offset, fault->text));
  }
  return items;
}

}  // namespace postern::intel
