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
  if (reads && name_end + 4 == octets.size()) remember_labels(kHeaderOctets);
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

// True if the name that stands at `target` in the buffer is `labels`, whatever the case.
bool MessageWriter::ends_with_at(std::size_t target, OctetView labels) const {
  std::size_t at = 0;
  for (;;) {
    while (buffer_[target] > Name::kMaxLabelOctets) {
      target = load_u16(&buffer_[target]) & kMaxPointerTarget;
    }
    if (!same_label(&buffer_[target], &labels[at])) return false;
    if (labels[at] == 0) return true;
    target += buffer_[target] + 1U;
    at += labels[at] + 1U;
  }
}

// `labels` is a whole, uncompressed name. On false some of it may have been written:
// the caller takes it back.
bool MessageWriter::put_name(OctetView labels) {
  const std::size_t start = size_;
  std::size_t at = 0;
  for (; labels[at] != 0; at += labels[at] + 1U) {
    const OctetView suffix = labels.subspan(at);
    for (std::size_t i = 0; i < target_count_; ++i) {
      if (!ends_with_at(targets_[i], suffix)) continue;
      if (!fits(2)) return false;
      store_u16(&buffer_[size_], static_cast<std::uint16_t>(0xc000U | targets_[i]));
      size_ += 2;
      remember_labels(start);
      return true;
    }
    const std::size_t label_octets = labels[at] + std::size_t{1};
    if (!fits(label_octets)) return false;
    std::memcpy(&buffer_[size_], &labels[at], label_octets);
    size_ += label_octets;
  }
  if (!put_octets(labels.subspan(at))) return false;
  remember_labels(start);
  return true;
}

// Makes the labels from `at` to the pointer or root behind them targets. Only for a name that
// is whole: a comparison walks a target to its end.
void MessageWriter::remember_labels(std::size_t at) {
  while (buffer_[at] != 0 && buffer_[at] <= Name::kMaxLabelOctets) {
    if (target_count_ == kMaxTargets || at > kMaxPointerTarget) return;
    targets_[target_count_++] = static_cast<std::uint16_t>(at);
    at += buffer_[at] + 1U;
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
