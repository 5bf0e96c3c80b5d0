#include "dns/name.h"

#include <algorithm>

#include "base/assert.h"
#include "dns/encoding.h"
#include "dns/message.h"

namespace postern::dns {
namespace {

constexpr std::uint8_t kPointerBits = 0xc0;

// Eight octets at once: bit 5 is set in those from 'A' to 'Z'. The additions carry into bit 7
// of each octet only, since bit 7 is masked off before and tested apart.
constexpr std::uint64_t lower_eight(std::uint64_t octets) {
  constexpr std::uint64_t kOnes = 0x0101010101010101;
  const std::uint64_t low = octets & (kOnes * 0x7f);
  const std::uint64_t from_a = low + kOnes * (0x80 - 'A');
  const std::uint64_t past_z = low + kOnes * (0x80 - 'Z' - 1);
  const std::uint64_t is_upper = from_a & ~past_z & ~octets & (kOnes * 0x80);
  return octets | (is_upper >> 2);
}

// Length octets are below 'A', so a whole wire form can be lowered without walking its labels.
void lower_in_place(std::uint8_t* octets, std::size_t size) {
  const auto lower_at = [octets](std::size_t at) {
    std::uint64_t word;
    std::memcpy(&word, octets + at, sizeof word);
    word = lower_eight(word);
    std::memcpy(octets + at, &word, sizeof word);
  };
  if (size < 8) {
    for (std::size_t i = 0; i < size; ++i) octets[i] = lower(octets[i]);
    return;
  }
  for (std::size_t at = 0; at + 8 < size; at += 8) lower_at(at);
  lower_at(size - 8);  // May overlap: lowering twice is lowering once.
}

// What walking a name came to.
struct Walk {
  std::size_t size = 0;   // Of the uncompressed name.
  std::size_t end = 0;    // Offset past it, or past its first pointer.
  std::size_t steps = 0;  // Labels and pointers.
};

// Calls `copy(at, size, run)` for each unbroken run of labels; the last includes the root's.
template <class Copy>
Result<Walk, NameError> walk_name(OctetView message, std::size_t offset, Copy&& copy) {
  Walk walk;
  std::size_t at = offset;
  std::size_t run = offset;
  std::size_t pointers = 0;
  // Of a message's names none leads into its header, which others may change.
  const std::size_t first = offset < kHeaderOctets ? 0 : kHeaderOctets;
  // What a pointer leads to is whole before what led there: no label reaches over that into what
  // follows, of which others may take some away.
  std::size_t end = message.size();
  const auto cut_off = [&] {
    return pointers == 0 ? NameError::truncated : NameError::bad_pointer;
  };
  for (;; ++walk.steps) {
    if (at >= end) return Unexpected(cut_off());
    const std::uint8_t length = message[at];
    if (length == 0) break;
    if (length <= Name::kMaxLabelOctets) {
      at += 1U + length;
      if (walk.size + (at - run) >= Name::kMaxOctets) return Unexpected(NameError::name_too_long);
      continue;
    }
    if (length < kPointerBits) return Unexpected(NameError::bad_label_type);
    if (at + 1 >= end) return Unexpected(cut_off());
    const std::size_t target = load_u16(&message[at]) & 0x3fffU;
    if (target >= run || target < first || ++pointers > Name::kMaxPointers) {
      return Unexpected(NameError::bad_pointer);
    }
    copy(walk.size, message.subspan(run, at - run));
    walk.size += at - run;
    if (walk.end == 0) walk.end = at + 2;
    end = run;
    at = run = target;
  }
  copy(walk.size, message.subspan(run, at + 1 - run));
  walk.size += at + 1 - run;
  if (walk.end == 0) walk.end = at + 1;
  return walk;
}

// Offsets of the labels from the left, the root's not counted.
struct LabelOffsets {
  explicit LabelOffsets(OctetView wire) {
    for (std::size_t at = 0; wire[at] != 0; at += wire[at] + 1U) {
      offsets[count++] = static_cast<std::uint8_t>(at);
    }
  }
  std::array<std::uint8_t, Name::kMaxLabels> offsets;
  std::size_t count = 0;
};

void append_escaped(std::string& out, std::uint8_t octet) {
  if (octet <= ' ' || octet >= 0x7f) {
    append_decimal_escape(octet, out);
    return;
  }
  constexpr std::string_view kSpecial = ".\\\"();@$";
  if (kSpecial.find(static_cast<char>(octet)) != std::string_view::npos) out += '\\';
  out += static_cast<char>(octet);
}

}  // namespace

std::string_view to_string(NameError error) {
  switch (error) {
    case NameError::empty_label:
      return "empty label";
    case NameError::label_too_long:
      return "label over 63 octets";
    case NameError::name_too_long:
      return "name over 255 octets";
    case NameError::bad_escape:
      return "bad escape";
    case NameError::bad_label_type:
      return "unknown label type";
    case NameError::bad_pointer:
      return "bad compression pointer";
    case NameError::truncated:
      return "name cut off";
    case NameError::trailing_octets:
      return "octets behind the name";
  }
  return "unknown error";
}

Result<Name, NameError> Name::from_text(std::string_view text) {
  Result<Name, NameError> result;
  if (text == ".") return result;
  if (text.empty()) return Unexpected(NameError::empty_label);
  std::uint8_t* const out = result->octets_.data();
  std::size_t label = 0;  // Where the length octet of the label being read will stand.
  std::size_t size = 1;
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '.') {
      if (size == label + 1) return Unexpected(NameError::empty_label);
      out[label] = static_cast<std::uint8_t>(size - label - 1);
      label = size++;
      ++at;
      continue;
    }
    if (size - label > kMaxLabelOctets) return Unexpected(NameError::label_too_long);
    // Room for this octet and the root's length octet.
    if (size + 2 > kMaxOctets) return Unexpected(NameError::name_too_long);
    if (c == '\\') {
      std::uint8_t octet = 0;
      if (!read_escape(text, at, octet)) return Unexpected(NameError::bad_escape);
      out[size++] = lower(octet);
    } else {
      out[size++] = lower(static_cast<std::uint8_t>(c));
      ++at;
    }
  }
  if (size > label + 1) {  // No dot at the end.
    out[label] = static_cast<std::uint8_t>(size - label - 1);
    label = size++;
  }
  out[label] = 0;
  result->size_ = static_cast<std::uint8_t>(label + 1);
  return result;
}

Result<void, NameError> Name::assign_from_wire(OctetView message, std::size_t& offset) {
  const auto walk = walk_name(message, offset, [this](std::size_t at, OctetView run) {
    if (!run.empty()) std::memcpy(octets_.data() + at, run.data(), run.size());
  });
  if (!walk) {
    size_ = 1;
    octets_[0] = 0;
    return Unexpected(walk.error());
  }
  size_ = static_cast<std::uint8_t>(walk->size);
  offset = walk->end;
  lower_in_place(octets_.data(), size_);
  return {};
}

Result<Name, NameError> Name::from_wire(OctetView message, std::size_t& offset) {
  Result<Name, NameError> result;
  POSTERN_CHECK(result->assign_from_wire(message, offset));
  return result;
}

Result<Name, NameError> Name::from_labels(OctetView labels) {
  Result<Name, NameError> result;
  std::size_t at = 0;
  while (at < labels.size() && labels[at] != 0) {
    if (labels[at] > kMaxLabelOctets) return Unexpected(NameError::bad_label_type);
    at += labels[at] + 1U;
  }
  if (at >= labels.size()) return Unexpected(NameError::truncated);
  if (at + 1 > kMaxOctets) return Unexpected(NameError::name_too_long);
  if (at + 1 < labels.size()) return Unexpected(NameError::trailing_octets);
  result->size_ = static_cast<std::uint8_t>(at + 1);
  std::memcpy(result->octets_.data(), labels.data(), labels.size());
  lower_in_place(result->octets_.data(), result->size_);  // Equality rests on it: make sure.
  return result;
}

std::size_t Name::label_count() const {
  std::size_t count = 0;
  for (std::size_t at = 0; octets_[at] != 0; at += octets_[at] + 1U) ++count;
  return count;
}

std::string Name::to_display() const {
  if (is_root()) return ".";
  std::string text;
  text.reserve(size_);
  for (std::size_t at = 0; octets_[at] != 0;) {
    if (at != 0) text += '.';
    const std::size_t end = at + octets_[at] + 1U;
    for (++at; at < end; ++at) append_escaped(text, octets_[at]);
  }
  return text;
}

std::string Name::to_text() const {
  std::string text = to_display();
  if (!is_root()) text += '.';
  return text;
}

bool Name::is_at_or_below(const Name& ancestor) const {
  if (size_ < ancestor.size_) return false;
  const std::size_t start = size_ - std::size_t{ancestor.size_};
  std::size_t at = 0;
  while (at < start) at += octets_[at] + 1U;
  return at == start &&
         std::memcmp(octets_.data() + start, ancestor.octets_.data(), ancestor.size_) == 0;
}

Name Name::without_left(std::size_t count) const {
  std::size_t at = 0;
  for (; count > 0; --count) {
    POSTERN_ASSERT(octets_[at] != 0);
    at += octets_[at] + 1U;
  }
  Name name;
  name.size_ = static_cast<std::uint8_t>(size_ - at);
  std::memcpy(name.octets_.data(), octets_.data() + at, name.size_);
  return name;
}

Result<Name, NameError> Name::with_prefix(const Name& left) const {
  const std::size_t prefix = left.size_ - std::size_t{1};
  if (prefix + size_ > kMaxOctets) return Unexpected(NameError::name_too_long);
  Result<Name, NameError> result;
  std::memcpy(result->octets_.data(), left.octets_.data(), prefix);
  std::memcpy(result->octets_.data() + prefix, octets_.data(), size_);
  result->size_ = static_cast<std::uint8_t>(prefix + size_);
  return result;
}

std::strong_ordering operator<=>(const Name& a, const Name& b) {
  const LabelOffsets left(a.wire());
  const LabelOffsets right(b.wire());
  const std::size_t shared = std::min(left.count, right.count);
  for (std::size_t i = 1; i <= shared; ++i) {
    const std::uint8_t* const x = a.octets_.data() + left.offsets[left.count - i];
    const std::uint8_t* const y = b.octets_.data() + right.offsets[right.count - i];
    const int order = std::memcmp(x + 1, y + 1, std::min(*x, *y));
    if (order != 0) return order <=> 0;
    if (*x != *y) return *x <=> *y;  // The shorter label first, RFC 4034 §6.1.
  }
  return left.count <=> right.count;
}

Result<std::size_t, NameError> skip_name(OctetView message, std::size_t& offset) {
  const Walk walk = POSTERN_TRY(walk_name(message, offset, [](std::size_t, OctetView) {}));
  offset = walk.end;
  return walk.steps;
}

Result<std::size_t, NameError> expand_name(OctetView message, std::size_t& offset,
                                           std::span<std::uint8_t, Name::kMaxOctets> out) {
  const Walk walk = POSTERN_TRY(walk_name(message, offset, [out](std::size_t at, OctetView run) {
    if (!run.empty()) std::memcpy(&out[at], run.data(), run.size());
  }));
  offset = walk.end;
  return walk.size;
}

std::size_t NameHash::operator()(const Name& name) const noexcept {
  const OctetView wire = name.wire();
  std::uint64_t hash = wire.size();
  const auto mix = [&hash](std::uint64_t word) {
    hash = (hash ^ word) * 0x9e3779b97f4a7c15;
    hash ^= hash >> 32;
  };
  std::size_t at = 0;
  for (; at + 8 <= wire.size(); at += 8) {
    std::uint64_t word;
    std::memcpy(&word, &wire[at], sizeof word);
    mix(word);
  }
  std::uint64_t rest = 0;
  if (at < wire.size()) std::memcpy(&rest, &wire[at], wire.size() - at);
  mix(rest);
  return hash;
}

}  // namespace postern::dns
