// What an answer leads to: the names and addresses that policy must look at besides the question.
#pragma once

#include "cache/cache.h"
#include "dns/message.h"

namespace postern::cache {

/// Fills `answer.names` (targets of CNAME, DNAME, SVCB and HTTPS records in the answer section, in
/// the order in which a client follows them, each once) and `answer.addresses` (A, AAAA and hints
/// in the answer and additional sections). False where a record does not read or there are over
/// kMaxAnswerNames names: then nobody may be given the message, as policy has not seen it whole.
bool collect_targets(const dns::MessageView& message, Answer& answer);

}  // namespace postern::cache
