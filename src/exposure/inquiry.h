// Inquiry: which questions about a domain are worth asking next, given what is known.
//
// Pure: somebody else asks (survey/survey.h). Start at Inquiry.
#pragma once

#include <cstddef>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "exposure/answer.h"
#include "exposure/pack.h"

namespace postern::exposure {

/// Names that nobody made, to find out what wildcards answer: two labels that nobody can guess.
struct Nonces {
  std::string first;
  std::string second;
};

/// All that has been asked about one domain, and what has not yet. Values of one thread.
class Inquiry {
 public:
  /// `nonces` are labels of letters and digits.
  Inquiry(const dns::Name& domain, const Pack& pack, const Nonces& nonces);

  /// Questions that were not handed out before, each to be answered by `take`. None, and nothing
  /// under way: all that is to be known is known. At most kMaxQuestions in a life.
  std::vector<Question> next();

  /// The answer to a question that `next` gave. Cuts what is over the bounds of limits.h.
  void take(const Question& question, Answer answer);

  /// Ends it: what was not answered is not known, because of `why`.
  void give_up(std::string_view why);

  bool is_done() const { return asked_.size() == answers_.size() && is_exhausted_; }
  const dns::Name& domain() const { return domain_; }
  const Answers& answers() const { return answers_; }
  const Nonces& nonces() const { return nonces_; }
  /// Questions that the bound left unasked.
  std::size_t unasked() const { return unasked_; }
  std::size_t asked() const { return asked_.size(); }

 private:
  dns::Name domain_;
  Nonces nonces_;
  std::vector<Question> customary_;
  Answers answers_;
  std::set<Question> asked_;
  std::size_t kept_records_ = 0;
  std::size_t kept_octets_ = 0;
  std::size_t unasked_ = 0;
  bool is_exhausted_ = false;
};

/// LABEL below `domain`: "_sip._tls". The root where that is too long for a name.
dns::Name below(const dns::Name& domain, std::string_view label);

/// The hosts that take the domain's mail, by preference, each once: at most kMaxExchangers. The
/// domain itself where there is no MX record, but an address (RFC 5321 §5.1). Empty for none.
std::vector<dns::Name> exchangers(const dns::Name& domain, const Answers& answers);

/// Addresses at a name, A and AAAA, as far as they are known.
std::vector<IpAddress> addresses_of(const dns::Name& name, const Answers& answers);

/// What asks for the name of an address: "9.113.0.203.in-addr.arpa", PTR.
Question reverse_question(const IpAddress& address);

/// How an answer stands to the wildcards beside it.
enum class Wildness : std::uint8_t {
  own,       ///< Somebody wrote this record.
  wildcard,  ///< A name that nobody made gives the same.
  unknown,   ///< Not found out.
};

/// Whether the answer to `question`, a name below the domain, is that of a wildcard, by the two
/// names that nobody made. Wildcards whose answers change from name to name count for all.
Wildness wildness_of(const Question& question, const Answers& answers, const Nonces& nonces);

}  // namespace postern::exposure
