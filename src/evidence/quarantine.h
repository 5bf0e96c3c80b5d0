// Quarantine: taking files out of a swept tree, and putting them back as they were.
//
// The only code that writes beneath a swept root. It does so only for files that a pack, verified
// just now, holds with the octets that are on disk now; what it takes away it has copied and
// checked; and each step is in a journal before it is done. docs/operating/quarantine.md.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "evidence/pack.h"
#include "evidence/plan.h"
#include "evidence/signing.h"
#include "evidence/witness.h"

namespace postern::evidence {

struct QuarantineOrder {
  Plan plan;
  std::string pack;        ///< Absolute, as it is remembered.
  std::string quarantine;  ///< The folder that files are taken to; may be one that was interrupted.
  Witness witness;
};

struct QuarantineReport {
  std::vector<std::string> done;      ///< Paths taken or put back; of a dry run, that would be.
  std::vector<std::string> problems;  ///< "PATH: why". Where any is found beforehand, none is done.
  std::vector<std::string> notes;     ///< What else is to be known.
};

/// Whether the plan could be applied now: the sweep was complete, the pack is whole, signed by this
/// key and of this case and root, and each file is as the plan and the pack have it. Changes
/// nothing. Errors: what concerns all of it (`denied`, `corrupt`, `not_found`).
Result<QuarantineReport> check_plan(const QuarantineOrder& order, const SigningKey& key);

/// Does it, after the same checks; goes on where a run of the same plan was interrupted.
Result<QuarantineReport> apply_plan(const QuarantineOrder& order, const SigningKey& key);

/// Which files a rollback would put back. Changes nothing.
Result<QuarantineReport> check_rollback(const std::string& quarantine);

/// Puts every file back that this quarantine took: octets, mode, owner, attributes, times, and the
/// times of its folder where nobody else changed that since. Never over what is there by now. The
/// custody log of the pack says so where the pack is still there.
Result<QuarantineReport> roll_back(const std::string& quarantine, const Witness& witness,
                                   const SigningKey& key);

}  // namespace postern::evidence
