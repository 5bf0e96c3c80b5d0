#include "dns/writer.h"

#include <algorithm>
#include <cstring>

#include "base/assert.h"
#include "dns/encoding.h"
#include "dns/rdata_layout.h"

namespace postern::dns {
namespace {

constexpr std::size_t kMaxPointerTarget = 0x3fff;  // Fourteen bits, RFC 1035 §4.1.4.
constexpr std::size_t kFixedRecordOctets = 10;     // Type, class, TTL, RDATA size.
constexpr std::size_t kEmptyOptOctets = 11;        // The root's name and the fixed part.

bool same_label(const std::uint8_t* a, const std::uint8_t* b) {
  if (*a != *b) return false;
  if (std::memcmp(a + 1, b + 1, *a) == 0) return true;
  return std::equal(a + 1, a + 1 + *a, b + 1,
                    [](std::uint8_t x, std::uint8_t y) { return lower(x) == lower(y); });
}

}  // namespace

MessageWriter::MessageWriter(std::span<std::uint8_t> buffer, std::size_t limit)
    : buffer_(buffer), limit_(std::min({limit, buffer.size(), kMaxMessageOctets})) {}

void MessageWriter::header(std::uint16_t id, std::uint16_t flags) {
  POSTERN_ASSERT(size_ == 0 && limit_ >= kHeaderOctets);
  std::memset(buffer_.data(), 0, kHeaderOctets);
  store_u16(buffer_.data(), id);
  store_u16(&buffer_[2], flags);
  size_ = kHeaderOctets;
}

bool MessageWriter::echo_question(OctetView query, std::size_t question_end) {
  POSTERN_ASSERT(size_ == kHeaderOctets && question_end <= query.size());
  if (question_end < kHeaderOctets) return false;
  const OctetView octets = query.subspan(kHeaderOctets, question_end - kHeaderOctets);
  if (!put_octets(octets)) return false;
  store_u16(&buffer_[4], 1);
  // Names of the answer may point into it only if it is plain labels and nothing more.
  std::size_t name_end = 0;
  const bool reads = skip_name(octets, name_end).has_value();
  if (!reads || name_end + 4 != octets.size()) return true;
  std::array<std::uint8_t, Name::kMaxLabels> starts;
  std::size_t count = 0;
  for (std::size_t at = 0; octets[at] != 0; at += octets[at] + 1U) {
    if (octets[at] > Name::kMaxLabelOctets) return true;  // A pointer.
    starts[count++] = static_cast<std::uint8_t>(at);
  }
  remember({starts.data(), count}, kHeaderOctets, kRoot);
  return true;
}

bool MessageWriter::question(const Question& question) {
  POSTERN_ASSERT(size_ == kHeaderOctets);
  if (!fits(question.qname.wire().size() + 4)) return false;
  put_name(question.qname.wire());
  store_u16(&buffer_[size_], static_cast<std::uint16_t>(question.qtype));
  store_u16(&buffer_[size_ + 2], static_cast<std::uint16_t>(question.qclass));
  size_ += 4;
  store_u16(&buffer_[4], 1);
  return true;
}

bool MessageWriter::record(Section section, const NewRecord& record) {
  POSTERN_ASSERT(size_ >= kHeaderOctets && section >= section_);
  const std::size_t size_before = size_;
  const std::size_t targets_before = target_count_;
  if (put_name(record.owner.wire()) && fits(kFixedRecordOctets)) {
    const std::size_t fixed = size_;
    store_u16(&buffer_[fixed], static_cast<std::uint16_t>(record.type));
    store_u16(&buffer_[fixed + 2], static_cast<std::uint16_t>(record.rr_class));
    store_u32(&buffer_[fixed + 4], record.ttl);
    size_ += kFixedRecordOctets;
    if (put_rdata(record.type, record.rdata)) {
      const std::size_t rdata_size = size_ - fixed - kFixedRecordOctets;
      store_u16(&buffer_[fixed + 8], static_cast<std::uint16_t>(rdata_size));
      last_ttl_offset_ = fixed + 4;
      count_record(section);
      return true;
    }
  }
  size_ = size_before;
  target_count_ = targets_before;
  return false;
}

void MessageWriter::reserve(std::size_t octets) {
  reserved_ = std::min(octets, limit_ - size_);
}

bool MessageWriter::opt(std::uint16_t udp_octets, Rcode rcode, bool dnssec_ok,
                        std::span<const Option> options) {
  reserved_ = 0;
  set_rcode(rcode);
  if (!fits(kEmptyOptOctets)) return false;
  std::uint8_t* const at = &buffer_[size_];
  at[0] = 0;
  store_u16(at + 1, static_cast<std::uint16_t>(RRType::opt));
  store_u16(at + 3, udp_octets);
  const std::uint32_t upper_rcode = static_cast<std::uint32_t>(rcode) >> 4;
  store_u32(at + 5, (upper_rcode << 24) | (dnssec_ok ? 0x8000U : 0U));
  size_ += kEmptyOptOctets;
  const std::size_t options_from = size_;
  for (const Option& option : options) {
    if (!fits(option.payload.size() + 4)) continue;
    store_u16(&buffer_[size_], static_cast<std::uint16_t>(option.code));
    store_u16(&buffer_[size_ + 2], static_cast<std::uint16_t>(option.payload.size()));
    size_ += 4;
    put_octets(option.payload);
  }
  store_u16(at + 9, static_cast<std::uint16_t>(size_ - options_from));
  count_record(Section::additional);
  return true;
}

void MessageWriter::set_rcode(Rcode rcode) {
  POSTERN_ASSERT(size_ >= kHeaderOctets);
  const unsigned lower_bits = static_cast<unsigned>(rcode) & 0xfU;
  buffer_[3] = static_cast<std::uint8_t>((buffer_[3] & 0xf0U) | lower_bits);
}

void MessageWriter::set_flag(std::uint16_t bit) {
  POSTERN_ASSERT(size_ >= kHeaderOctets);
  store_u16(&buffer_[2], load_u16(&buffer_[2]) | bit);
}

bool MessageWriter::put_octets(OctetView octets) {
  if (!fits(octets.size())) return false;
  if (!octets.empty()) std::memcpy(buffer_.data() + size_, octets.data(), octets.size());
  size_ += octets.size();
  return true;
}

// `labels` is a whole, uncompressed name. Matches it from the right against the tree of what is
// remembered, so that its cost is one pass over its labels and one over the tree, whatever the
// names: comparing each suffix with each target would let one small message cost seconds.
bool MessageWriter::put_name(OctetView labels) {
  std::array<std::uint8_t, Name::kMaxLabels> starts;
  std::size_t count = 0;
  std::size_t end = 0;  // Of what must be written out.
  for (; labels[end] != 0; end += labels[end] + 1U) {
    starts[count++] = static_cast<std::uint8_t>(end);
  }
  std::size_t known = kRoot;
  while (count > 0) {
    const std::size_t child = find_child(known, &labels[starts[count - 1]]);
    if (child == kRoot) break;
    known = child;
    end = starts[--count];
  }
  if (!fits(end + (known == kRoot ? 1 : 2))) return false;
  const std::size_t at = size_;
  std::memcpy(&buffer_[size_], labels.data(), end);
  size_ += end;
  if (known == kRoot) {
    buffer_[size_++] = 0;
  } else {
    store_u16(&buffer_[size_], static_cast<std::uint16_t>(0xc000U | targets_[known - 1]));
    size_ += 2;
  }
  remember({starts.data(), count}, at, known);
  return true;
}

// The node of `label` right before the suffix `parent`; kRoot where there is none. A child stands
// behind its parent, so the searches of one name do not overlap.
std::size_t MessageWriter::find_child(std::size_t parent, const std::uint8_t* label) const {
  for (std::size_t i = parent; i < target_count_; ++i) {
    if (parents_[i] == parent && same_label(&buffer_[targets_[i]], label)) return i + 1;
  }
  return kRoot;
}

// Makes targets of the labels that begin at `starts` from `at` on, behind which `parent` follows.
// From the right: a label without its parent could not be found.
void MessageWriter::remember(std::span<const std::uint8_t> starts, std::size_t at,
                             std::size_t parent) {
  for (std::size_t i = starts.size(); i > 0; --i) {
    const std::size_t label = at + starts[i - 1];
    if (target_count_ == kMaxTargets || label > kMaxPointerTarget) return;
    targets_[target_count_] = static_cast<std::uint16_t>(label);
    parents_[target_count_] = static_cast<std::uint8_t>(parent);
    parent = ++target_count_;
  }
}

bool MessageWriter::put_rdata(RRType type, OctetView rdata) {
  if (!may_compress(type)) return put_octets(rdata);
  const std::size_t rdata_from = size_;
  const std::size_t targets_before = target_count_;
  bool fit = true;
  std::array<std::uint8_t, Name::kMaxOctets> labels;
  const bool reads = walk_rdata(
      name_layout(type), {rdata, 0, rdata.size()},
      [&](OctetView octets) { fit = fit && put_octets(octets); },
      [&](std::size_t at) {
        const auto size = expand_name(rdata, at, labels);
        fit = fit && size && put_name({labels.data(), *size});
      });
  if (reads) return fit;
  // Not what the type says: passed on as it is.
  size_ = rdata_from;
  target_count_ = targets_before;
  return put_octets(rdata);
}

void MessageWriter::count_record(Section section) {
  section_ = section;
  std::uint8_t* const count = &buffer_[6 + 2 * static_cast<std::size_t>(section)];
  store_u16(count, static_cast<std::uint16_t>(load_u16(count) + 1));
}

OctetView write_extended_error(std::span<std::uint8_t> buffer, EdeCode code,
                               std::string_view text) {
  if (buffer.size() < 2) return {};
  store_u16(buffer.data(), static_cast<std::uint16_t>(code));
  std::size_t size = std::min(text.size(), buffer.size() - 2);
  if (size < text.size()) {
    // Back to where a character begins: not at a continuation octet 10xxxxxx.
    while (size > 0 && (static_cast<std::uint8_t>(text[size]) & 0xc0U) == 0x80) --size;
  }
  if (size > 0) std::memcpy(&buffer[2], text.data(), size);
  return buffer.first(2 + size);
}

}  // namespace postern::dns
