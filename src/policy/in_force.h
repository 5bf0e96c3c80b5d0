// InForce: all that decides on a query together: a generation, the exceptions over it, and who is
// who at the moment.
//
// Start at InForce::decide.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/ip.h"
#include "base/time.h"
#include "dns/name.h"
#include "policy/device_table.h"
#include "policy/exception_table.h"
#include "policy/generation.h"

namespace postern::policy {

/// In place of the zone of a verdict that is an exception's; its `rule` is the exception's number.
inline constexpr std::uint16_t kExceptionZone = 0xfffe;
/// What the exceptions are called where a zone is named: in records, EDE texts and pages.
inline constexpr std::string_view kExceptionsName = "exceptions";

/// Whom a decision is for, and when.
struct Asking {
  std::uint16_t group = 0;
  std::optional<IpAddress> client{};  ///< Nothing: the group as a whole.
  WallTime now{};
  Exemption exemption{};
};

/// Borrows both for as long as it lives. Verdicts of either are taken here, and only those.
class InForce {
 public:
  /// Without `devices` no client's device is known.
  InForce(const Generation& generation, const ExceptionTable& exceptions,
          const DeviceTable* devices = nullptr)
      : generation_(generation), exceptions_(exceptions), devices_(devices) {}

  const Generation& generation() const { return generation_; }
  const ExceptionTable& exceptions() const { return exceptions_; }

  /// The group of a client at a time: that of what it is called, else its device's, else that of
  /// the longest matching prefix; while one of its schedules holds, the one whose policy is then in
  /// force. `said` is what is known of it beside its address.
  std::uint16_t group_of(const IpAddress& client, WallTime now, const Identity& said = {}) const {
    return group_at(own_group_of(client, said), now);
  }
  /// The same whatever the time.
  std::uint16_t own_group_of(const IpAddress& client, const Identity& said = {}) const {
    std::optional<std::uint16_t> group;
    if (said.id) group = generation_.group_of(*said.id);
    const auto device = said.device ? said.device : device_of(client);
    if (!group && device) group = generation_.group_of(*device);
    return group ? *group : generation_.group_of(client);
  }
  /// Which device the client is; nothing where that is not known, or of no interest.
  std::optional<MacAddress> device_of(const IpAddress& client) const {
    if (devices_ == nullptr || !generation_.has_devices()) return std::nullopt;
    return devices_->find(client);
  }
  std::uint16_t group_at(std::uint16_t group, WallTime now) const {
    const Group& of = generation_.groups()[group];
    return of.during.empty() ? group : group_during(of, group, now);
  }

  /// The decision on a name asked for or led to. An exception stands before every zone: its
  /// verdict precedes all others, of whatever trigger. Never allocates.
  Verdict decide(const Asking& asking, const dns::Name& name) const;
  /// What the exceptions alone say; `matched` false where none does.
  Verdict decide_by_exceptions(const Asking& asking, const dns::Name& name) const;
  /// As the table of exceptions knows the asker. Views are into the generation.
  ExceptionTable::Asker asker_of(const Asking& asking) const;

  static bool is_exception(const Verdict& verdict) { return verdict.zone == kExceptionZone; }

  // What Generation says of its own verdicts, for those of exceptions too.
  const ZoneOptions& zone(const Verdict& verdict) const;
  BlockPlan plan(std::uint16_t group, const Verdict& verdict) const;
  /// Of an exception: its id.
  std::uint32_t line(const Verdict& verdict) const;
  std::string rule_text(const Verdict& verdict) const;

 private:
  static std::uint16_t group_during(const Group& of, std::uint16_t group, WallTime now);

  const Generation& generation_;
  const ExceptionTable& exceptions_;
  const DeviceTable* devices_;
};

}  // namespace postern::policy
