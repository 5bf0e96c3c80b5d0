#include "host/finding_octets.h"

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace postern::host {
namespace {

using exchange::Finding;

// Version of the form; another one is no findings of ours.
constexpr std::uint32_t kForm = 2;

void put(Octets& out, std::uint32_t value) {
  std::array<std::uint8_t, 4> word{};
  store_u32(word.data(), value);
  out.insert(out.end(), word.begin(), word.end());
}

void put(Octets& out, std::uint64_t value) {
  put(out, static_cast<std::uint32_t>(value >> 32));
  put(out, static_cast<std::uint32_t>(value));
}

void put(Octets& out, std::string_view text) {
  put(out, static_cast<std::uint32_t>(text.size()));
  out.insert(out.end(), text.begin(), text.end());
}

void put(Octets& out, const std::vector<std::string>& texts) {
  put(out, static_cast<std::uint32_t>(texts.size()));
  for (const std::string& text : texts) put(out, text);
}

void put(Octets& out, const std::vector<exchange::Detail>& details) {
  put(out, static_cast<std::uint32_t>(details.size()));
  for (const exchange::Detail& detail : details) {
    put(out, detail.name);
    put(out, detail.value);
  }
}

class Reader {
 public:
  explicit Reader(OctetView octets) : in_(octets) {}

  bool ok() const { return in_.ok(); }
  std::size_t left() const { return in_.left(); }
  std::uint32_t number() { return in_.u32(); }
  std::uint64_t long_number() {
    const std::uint64_t high = in_.u32();
    return (high << 32) | in_.u32();
  }
  std::string text() {
    const std::uint32_t size = in_.u32();
    return std::string(text_of(in_.take(size)));
  }
  std::vector<std::string> texts() {
    std::vector<std::string> out;
    for (std::uint32_t count = in_.u32(); count > 0 && in_.ok(); --count) out.push_back(text());
    return out;
  }
  std::vector<exchange::Detail> details() {
    std::vector<exchange::Detail> out;
    for (std::uint32_t count = in_.u32(); count > 0 && in_.ok(); --count) {
      exchange::Detail detail;
      detail.name = text();
      detail.value = text();
      out.push_back(std::move(detail));
    }
    return out;
  }

 private:
  ByteReader in_;
};

}  // namespace

Octets octets_from(const Examination& examination) {
  Octets out;
  put(out, kForm);
  put(out, examination.facts);
  put(out, static_cast<std::uint32_t>(examination.findings.size()));
  for (const Finding& finding : examination.findings) {
    put(out, finding.rule);
    put(out, finding.title);
    put(out, static_cast<std::uint32_t>(finding.tier));
    put(out, static_cast<std::uint32_t>(finding.confidence));
    put(out, finding.attack);
    put(out, finding.cve);
    put(out, std::uint32_t{finding.at ? 1U : 0U});
    put(out, finding.at ? static_cast<std::uint64_t>(finding.at->time_since_epoch().count()) : 0);
    put(out, finding.place.path);
    put(out, finding.place.line);
    put(out, finding.place.record);
    put(out, finding.place.offset);
    put(out, finding.actor);
    put(out, finding.details);
    put(out, finding.author);
  }
  return out;
}

Result<Examination> examination_from(OctetView octets) {
  Reader in(octets);
  Examination out;
  const bool known = in.number() == kForm;
  if (known) out.facts = in.details();
  for (std::uint32_t count = in.number(); known && count > 0 && in.ok(); --count) {
    Finding finding;
    finding.rule = in.text();
    finding.title = in.text();
    const std::uint32_t tier = in.number();
    if (tier > static_cast<std::uint32_t>(exchange::Tier::exploited)) break;
    finding.tier = static_cast<exchange::Tier>(tier);
    finding.confidence = static_cast<int>(in.number() & 0x7F);
    finding.attack = in.texts();
    finding.cve = in.texts();
    const bool has_time = in.number() == 1;
    const auto time = static_cast<std::int64_t>(in.long_number());
    if (has_time) finding.at = WallTime(microseconds(time));
    finding.place.path = in.text();
    finding.place.line = in.long_number();
    finding.place.record = in.long_number();
    finding.place.offset = in.long_number();
    finding.actor = in.text();
    finding.details = in.details();
    finding.author = in.text();
    out.findings.push_back(std::move(finding));
  }
  if (!known || !in.ok() || in.left() != 0) {
    return fail(Errc::corrupt, "findings of another form, or damaged");
  }
  return out;
}

}  // namespace postern::host
