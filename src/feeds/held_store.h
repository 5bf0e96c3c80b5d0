// HeldStore: updates that the gate holds back, on disk until somebody decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "feeds/store.h"
#include "intel/gate.h"

namespace postern::feeds {

enum class HeldState : std::uint8_t {
  waiting,      ///< For a person, or for a better update.
  rejected,     ///< A person does not want it; its text is gone.
  rolled_back,  ///< It was in force; a person or the watch took it back.
  canary,       ///< One group has it first. After a restart it is judged anew.
};
/// "waiting", "rejected", "rolled_back", "canary".
std::string_view to_string(HeldState state);

/// An update that is not in force.
struct Held {
  CopyFacts facts;
  HeldState state = HeldState::waiting;
  WallTime since{};
  std::vector<intel::GateFinding> reasons;
  std::string report;  ///< JSON of its GateReport; empty where there is none.
  /// The digests of others that were rejected or rolled back and stay out, too; the last one first.
  std::vector<std::string> also_out;
  /// The rules of judging have changed: the next time that it comes it is judged anew.
  bool is_to_be_judged = false;

  /// A source has one text at a time, a mirror perhaps the one before: more than enough.
  static constexpr std::size_t kMostOut = 16;

  bool is_taken_out() const {
    return state == HeldState::rejected || state == HeldState::rolled_back;
  }
  /// Whether a person or the watch took that text out.
  bool is_out(std::string_view sha256) const;
  /// This one takes the place of `before`: what was out with that stays out.
  void keep_out(const Held& before);
  /// What stays out when this one is in force, or nobody has it any more: as one that was rejected.
  /// Nothing, where that is all.
  std::optional<Held> others_out() const;
};

/// A folder with what CopyStore keeps of a copy, and NAME.held beside it, which names the text that
/// it is about: after a crash between the two, what was decided is not taken for a decision on
/// another text. One thread.
class HeldStore {
 public:
  explicit HeldStore(std::string folder) : folder_(folder), copies_(std::move(folder)) {}

  /// What is held of that feed from that source; nothing where nothing is.
  std::optional<Held> load(std::string_view name, std::string_view source) const;
  /// The text of what is held. Errors as those of CopyStore::load.
  Result<SharedMemory> load_text(std::string_view name, const Held& held,
                                 std::uint64_t max_octets) const;
  Result<void> save(std::string_view name, const Held& held, const SharedMemory& text);
  /// Without its text, which stays as it is.
  Result<void> save_facts(std::string_view name, const Held& held);
  void remove_text(std::string_view name, const Held& held);
  void remove(std::string_view name);

 private:
  std::string path(std::string_view name) const;

  std::string folder_;
  CopyStore copies_;
};

}  // namespace postern::feeds
