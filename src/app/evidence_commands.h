// Commands on evidence packs: making, checking and restoring them.
#pragma once

#include "app/command_line.h"

namespace postern::app {

int run_evidence_create(const Arguments& arguments);
int run_evidence_verify(const Arguments& arguments);
int run_evidence_restore(const Arguments& arguments);

}  // namespace postern::app
