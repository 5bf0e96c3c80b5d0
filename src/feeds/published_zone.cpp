#include "feeds/published_zone.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <string_view>
#include <utility>

#include <openssl/evp.h>

#include "base/assert.h"
#include "feeds/packed_record.h"
#include "feeds/transfer_soa.h"

namespace postern::feeds {
namespace {

/// Soon after a change NOTIFY tells of it; this is for when that is lost.
constexpr std::uint32_t kRefresh_s = 300, kRetry_s = 60, kExpire_s = 2'592'000, kMinimum_s = 60;
constexpr std::uint32_t kSoaTtl_s = 60;
/// A FlatPolicy of up to this is kept until the next change: some 400,000 names.
constexpr std::size_t kKeptOctets = 16U << 20;

class Digest {
 public:
  Digest() : context_(EVP_MD_CTX_new()) {
    POSTERN_ASSERT(context_ && EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) == 1);
  }
  void add(OctetView octets) {
    POSTERN_ASSERT(EVP_DigestUpdate(context_.get(), octets.data(), octets.size()) == 1);
  }
  std::string finish() {
    std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
    unsigned size = 0;
    POSTERN_ASSERT(EVP_DigestFinal_ex(context_.get(), digest.data(), &size) == 1);
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::string text;
    for (unsigned i = 0; i < size; ++i) {
      text += kDigits[digest[i] >> 4];
      text += kDigits[digest[i] & 0xf];
    }
    return text;
  }

 private:
  struct Free {
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

/// Collects what changes, up to a bound.
class DifferenceMaker {
 public:
  explicit DifferenceMaker(std::size_t max_octets) : max_octets_(max_octets) {}

  void removed(OctetView packed) { take(packed, difference_.removed); }
  void added(OctetView packed) { take(packed, difference_.added); }
  /// Of a node that is in both.
  void both(OctetView old_packed, OctetView new_packed) {
    if (std::ranges::equal(old_packed, new_packed)) return;
    take_missing(old_packed, new_packed, difference_.removed);
    take_missing(new_packed, old_packed, difference_.added);
  }

  bool is_empty() const { return !has_any_; }
  /// Nothing where it is over the bound.
  std::shared_ptr<const ZoneDifference> finish(std::uint32_t from, std::uint32_t to) && {
    if (is_full_) return nullptr;
    difference_.from = from;
    difference_.to = to;
    return std::make_shared<const ZoneDifference>(std::move(difference_));
  }

 private:
  void take(OctetView packed, Octets& into) {
    if (packed.empty()) return;
    has_any_ = true;
    is_full_ |= difference_.octets() + packed.size() > max_octets_;
    if (is_full_) {
      difference_ = {};
    } else {
      into.insert(into.end(), packed.begin(), packed.end());
    }
  }
  /// The records that `other` has not.
  void take_missing(OctetView packed, OctetView other, Octets& into) {
    std::set<std::string_view> has;
    for (PackedRecords records(other); records.next();) has.insert(text_of(records.packed()));
    for (PackedRecords records(packed); records.next();) {
      if (!has.contains(text_of(records.packed()))) take(records.packed(), into);
    }
  }

  const std::size_t max_octets_;
  ZoneDifference difference_;
  bool has_any_ = false;
  bool is_full_ = false;
};

std::size_t count_of(OctetView packed) {
  std::size_t count = 0;
  for (PackedRecords records(packed); records.next();) ++count;
  return count;
}

/// Goes through the new nodes and, where there are some, the old ones beside them.
void compare(const FlatPolicy* old_flat, const FlatPolicy& new_flat, ZoneVersion& version,
             DifferenceMaker& difference) {
  Digest digest;
  Octets old_packed;
  Octets new_packed;
  std::size_t at = 0;
  const auto remove_old = [&] {
    old_packed.clear();
    (void)old_flat->append_records(at++, old_packed);
    difference.removed(old_packed);
  };
  const std::size_t old_size = old_flat != nullptr ? old_flat->size() : 0;
  for (std::size_t i = 0; i < new_flat.size(); ++i) {
    new_packed.clear();
    version.left_out += new_flat.append_records(i, new_packed);
    version.records += count_of(new_packed);
    digest.add(new_packed);
    while (at < old_size && old_flat->compare(at, new_flat, i) < 0) remove_old();
    if (at < old_size && old_flat->compare(at, new_flat, i) == 0) {
      old_packed.clear();
      (void)old_flat->append_records(at++, old_packed);
      difference.both(old_packed, new_packed);
    } else if (old_flat != nullptr) {
      difference.added(new_packed);
    }
  }
  while (at < old_size) remove_old();
  version.digest = digest.finish();
}

RecordSource of_parts(std::vector<Octets> parts) {
  std::size_t at = 0;
  return [parts = std::move(parts), at](Octets& packed) mutable {
    if (at == parts.size()) return false;
    packed = parts[at++];
    return true;
  };
}

}  // namespace

std::string to_text(const ZoneMark& mark) {
  return std::to_string(mark.serial) + " " + mark.digest + "\n";
}

std::optional<ZoneMark> zone_mark_from_text(std::string_view text) {
  ZoneMark mark;
  const char* const end = text.data() + text.size();
  const auto [at, error] = std::from_chars(text.data(), end, mark.serial);
  if (error != std::errc() || at == end || *at != ' ') return std::nullopt;
  const std::string_view rest(at + 1, static_cast<std::size_t>(end - at - 1));
  mark.digest = rest.substr(0, rest.find('\n'));
  return mark;
}

std::uint32_t serial_after(std::optional<std::uint32_t> last, std::uint64_t now_s) {
  const auto now = static_cast<std::uint32_t>(now_s);
  if (!last || is_newer(now, *last)) return now;
  return *last + 1;
}

Result<PublishedZone::Basis> PublishedZone::basis_of(const PolicyMoment& moment) const {
  const auto group = moment.group_named(plan_.flat.group);
  if (!group) return fail(Errc::not_found, "there is no group \"" + plan_.flat.group + "\"");
  const policy::ExceptionTable& exceptions = *moment.exceptions;
  Digest digest;
  const auto add = [&](std::string_view text) {
    digest.add({reinterpret_cast<const std::uint8_t*>(text.data()), text.size() + 1});
  };
  const auto asker = moment.in_force().asker_of(moment.asking(*group));
  for (const std::uint32_t number : exceptions.holding(asker, moment.at)) {
    const policy::Exception exception = exceptions.at(number);
    add(policy::pattern_text(exception.name, exception.scope));
    add(policy::to_string(exception.action));
    add(policy::to_text(exception.audience));
    add(exception.until ? std::to_string(exception.until->time_since_epoch().count()) : "");
  }
  return Basis{.group = *group, .exceptions = digest.finish()};
}

Result<void> PublishedZone::update(const PolicyMoment& moment, std::uint64_t now_s) {
  Basis basis = POSTERN_TRY(basis_of(moment));
  if (version_ && version_->moment.generation == moment.generation && basis_ == basis) return {};
  const auto flat = POSTERN_TRY(FlatPolicy::make(moment, plan_.flat));
  if (version_ && !flat_) flat_ = POSTERN_TRY(FlatPolicy::make(version_->moment, plan_.flat));
  auto next = std::make_shared<ZoneVersion>();
  next->moment = moment;
  next->is_exact = flat->is_exact();
  DifferenceMaker difference(plan_.history_octets);
  compare(flat_.get(), *flat, *next, difference);
  flat_ = flat->memory_octets() <= kKeptOctets ? flat : nullptr;

  if (version_ && difference.is_empty()) {
    next->serial = version_->serial;
    next->history = version_->history;
  } else if (version_) {
    next->serial = serial_after(version_->serial, now_s);
    auto made = std::move(difference).finish(version_->serial, next->serial);
    if (made) {
      next->history = version_->history;
      next->history.push_back(std::move(made));
    }
  } else if (mark_ && mark_->digest == next->digest) {
    next->serial = mark_->serial;
  } else {
    next->serial = serial_after(mark_ ? std::optional(mark_->serial) : std::nullopt, now_s);
  }
  std::size_t octets = 0;
  for (const auto& each : next->history) octets += each->octets() + sizeof *each;
  auto first = next->history.begin();
  for (; octets > plan_.history_octets; ++first) octets -= (*first)->octets() + sizeof **first;
  next->history.erase(next->history.begin(), first);
  version_ = std::move(next);
  basis_ = std::move(basis);
  return {};
}

Octets packed_soa(const dns::Name& zone, std::uint32_t serial) {
  // Neither says anything here: nobody may change the zone, and nobody is to be written to.
  const auto localhost = dns::Name::from_text("localhost");
  const auto nobody = dns::Name::from_text("nobody.invalid");
  Octets rdata(localhost->wire().begin(), localhost->wire().end());
  rdata.insert(rdata.end(), nobody->wire().begin(), nobody->wire().end());
  for (const std::uint32_t value : {serial, kRefresh_s, kRetry_s, kExpire_s, kMinimum_s}) {
    rdata.resize(rdata.size() + 4);
    store_u32(&rdata[rdata.size() - 4], value);
  }
  Octets packed;
  append_packed({zone, dns::RRType::soa, kSoaTtl_s, rdata}, packed);
  return packed;
}

Octets packed_ns(const dns::Name& zone) {
  Octets packed;
  append_packed({zone, dns::RRType::ns, kSoaTtl_s, dns::Name::from_text("localhost")->wire()},
                packed);
  return packed;
}

RecordSource soa_alone(const dns::Name& zone, std::uint32_t serial) {
  return of_parts({packed_soa(zone, serial)});
}

RecordSource whole_zone(const dns::Name& zone, std::uint32_t serial,
                        std::shared_ptr<const FlatPolicy> flat) {
  const Octets soa = packed_soa(zone, serial);
  Octets first = soa;
  const Octets ns = packed_ns(zone);
  first.insert(first.end(), ns.begin(), ns.end());
  return [soa, first, flat = std::move(flat), at = std::size_t{0}](Octets& packed) mutable {
    const std::size_t place = at++;
    if (place > flat->size() + 1) return false;
    if (place == 0) {
      packed = first;
    } else if (place <= flat->size()) {
      packed.clear();
      (void)flat->append_records(place - 1, packed);
    } else {
      packed = soa;
    }
    return true;
  };
}

std::optional<RecordSource> changes_since(const dns::Name& zone, std::uint32_t serial,
                                          const std::shared_ptr<const ZoneVersion>& version) {
  const auto& history = version->history;
  const auto first =
      std::ranges::find(history, serial, [](const auto& each) { return each->from; });
  if (first == history.end()) return std::nullopt;
  const auto from = static_cast<std::size_t>(first - history.begin());
  const std::size_t part_count = 4 * (history.size() - from) + 2;
  return [zone, version, from, part_count, at = std::size_t{0}](Octets& packed) mutable {
    const std::size_t part = at++;
    if (part >= part_count) return false;
    if (part == 0 || part == part_count - 1) {
      packed = packed_soa(zone, version->serial);
      return true;
    }
    const ZoneDifference& difference = *version->history[from + (part - 1) / 4];
    switch ((part - 1) % 4) {
      case 0:
        packed = packed_soa(zone, difference.from);
        break;
      case 1:
        packed = difference.removed;
        break;
      case 2:
        packed = packed_soa(zone, difference.to);
        break;
      default:
        packed = difference.added;
    }
    return true;
  };
}

}  // namespace postern::feeds
