// Custodian: who acts on evidence, with which key; shared by the commands that do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "app/command_line.h"
#include "base/result.h"
#include "evidence/signing.h"
#include "evidence/witness.h"

namespace postern::app {

/// These commands could not do, or finish, what they were asked for. What they found wrong is
/// kExitFailed.
inline constexpr int kExitIncomplete = 2;

/// The user ("alice by sudo (uid 0)"), the host's name, this program and the system's clock.
evidence::Witness witness_here();

/// Where the key is that signs: --keys, else /var/lib/postern-evidence for root, else
/// postern-evidence in $XDG_STATE_HOME or ~/.local/state.
std::string key_folder(const Arguments& arguments);
/// The key there; made at its first use.
Result<evidence::SigningKey> signing_key(const Arguments& arguments);

/// Says on standard error what went wrong; gives kExitIncomplete.
int could_not(std::string_view command, const Error& error);

/// Each on a line of its own behind `before`, fit for a terminal; at most a hundred, and how many
/// more there are.
std::string lines_of(const std::vector<std::string>& texts, std::string_view before);

/// A path of the user as one that does not depend on where the program runs.
std::string absolute(const std::string& path);

}  // namespace postern::app
