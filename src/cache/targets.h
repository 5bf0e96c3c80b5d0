// What an answer leads to: the names and addresses that policy must look at besides the question.
#pragma once

#include <optional>
#include <vector>

#include "cache/cache.h"
#include "dns/message.h"

namespace postern::cache {

/// The records of an answer section that answer its question: those of the question's name and of
/// the names that its chain of CNAMEs and DNAMEs reaches, and the DNAMEs above these. A client has
/// no use for others, and policy has not looked at them.
class Reached {
 public:
  /// In any order.
  Reached(std::vector<dns::Name> owners, std::vector<dns::Name> dname_owners);

  /// Signatures go with what they cover. Logarithmic in the number of names.
  bool holds(const dns::Record& record) const;

 private:
  std::vector<dns::Name> owners_;        // Sorted.
  std::vector<dns::Name> dname_owners_;  // Sorted; hold DNAME records and their signatures alone.
};

/// Fills `answer.names`, `answer.chain_count` and, from the records that are held,
/// `answer.addresses` (A, AAAA and hints). Nothing where such a record does not read, the chain
/// does not end, or there are over kMaxAnswerNames links, kMaxChain steps, kMaxSiblings other
/// targets, or 16 DNAMEs: then nobody may be given the message, as policy has not seen it whole.
std::optional<Reached> collect_targets(const dns::MessageView& message, Answer& answer);

}  // namespace postern::cache
