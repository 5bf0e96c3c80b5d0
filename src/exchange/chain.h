// Chains: what rules hit that belongs together, as the story of a break-in.
//
// ProxyLogon's stages (PL-08), mail read through it (PL-07), scripts asked for by who did so
// (PL-06), a virtual directory set and made anew (PL-15), mailboxes exported by who was just given
// the right (PS-05).
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exchange/finding.h"
#include "exchange/judge.h"

namespace postern::exchange {

/// How far a request of ProxyLogon brings one, by the path it was sent on to. 0: none of them.
enum class Stage : std::uint8_t {
  none,
  autodiscover,  ///< 1: whose mailbox there is.
  mapi,          ///< 2: the account's number.
  session,       ///< 3: proxyLogon.ecp, answered by 241: a session of the control panel.
  read_object,   ///< 4: GetObject of a virtual directory.
  set_object,    ///< 5: SetObject: its address is a page now.
  reset,         ///< 6: SetObject with Reset: the page is written to a file.
  restored,      ///< 7: SetObject behind that: the address as it was.
};

/// The stage that the path of an anchor stands for; 5 for each SetObject that does not reset.
Stage stage_of(std::string_view anchor);

/// Collects hits in any order, of any number of logs, and tells what they are together. Not for
/// two threads at once. Memory is bounded by the limits below; what exceeds them is counted.
class Chains {
 public:
  static constexpr std::size_t kMaxEarlySteps = 200'000;  ///< Stages 1 and 2.
  static constexpr std::size_t kMaxLateSteps = 200'000;   ///< Others: a flood of the first ones
                                                          ///< does not push them out.
  static constexpr std::size_t kMaxHours = 100'000;       ///< Of addresses that read mail.
  static constexpr std::size_t kMaxMailboxes = 10'000;
  static constexpr std::size_t kMaxMarks = 100'000;  ///< Of each other kind of hit.

  /// Between two steps of one chain at most this lies.
  static constexpr std::chrono::seconds kChainGap{300};
  /// More octets of mail in one hour are a theft.
  static constexpr std::uint64_t kTheftOctets = 1'000'000;

  /// Whether hits of this rule may belong to a chain.
  static bool is_part(std::string_view rule);
  /// A hit in the log at `path`. Of rules that belong to no chain it is nothing.
  void take(const Hit& hit, std::string_view path);
  /// What all of them are, in a fixed order.
  std::vector<Finding> findings() const;
  /// Hits that there was no room for, or that say no time.
  std::uint64_t left_out() const { return left_out_; }

 private:
  /// A hit, shortened.
  struct Mark {
    WallTime at;
    Place place;
    Stage stage{};
    bool done = false;  ///< The server did what was asked.
    std::string actor;  ///< Who ran a cmdlet.
  };
  /// Who asked which server.
  using Key = std::pair<std::string, std::string>;
  using Marks = std::vector<Mark>;

  void take_request(const Hit& hit, const Mark& mark);
  void take_mail(const Row& row, const Mark& mark);
  void note_mailbox(std::string_view client, std::string_view anchor);
  void add(std::map<std::string, Marks>& to, std::size_t& count, std::string_view key,
           const Mark& mark);

  void tell_stages(std::vector<Finding>& out) const;
  void tell_thefts(std::vector<Finding>& out) const;
  void tell_scripts(std::vector<Finding>& out) const;
  void tell_resets(std::vector<Finding>& out) const;
  void tell_exports(std::vector<Finding>& out) const;

  struct Hour {
    std::uint64_t octets = 0;
    Mark first;
  };

  std::map<Key, Marks> steps_;
  std::size_t early_steps_ = 0;
  std::size_t late_steps_ = 0;
  std::map<std::string, std::map<std::int64_t, Hour>> mail_;  ///< By address and hour.
  std::size_t hours_ = 0;
  std::map<std::string, std::set<std::string>> mailboxes_;  ///< By address.
  std::size_t mailbox_count_ = 0;
  std::map<std::string, Marks> sent_on_;  ///< PL-01 by address.
  std::size_t sent_on_count_ = 0;
  std::map<std::string, Marks> scripts_;  ///< PL-06 by address.
  std::size_t scripts_count_ = 0;
  std::map<std::string, Marks> cmdlets_;  ///< By rule.
  std::size_t cmdlets_count_ = 0;
  std::uint64_t left_out_ = 0;
};

}  // namespace postern::exchange
