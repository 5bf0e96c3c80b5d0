// Survey: asks a resolver what the inquiries about many domains want to know.
//
// Only the resolver is spoken to; no packet goes to anybody's mail or web servers. Start at
// `run_survey`.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/time.h"
#include "dns/name.h"
#include "exposure/inquiry.h"
#include "exposure/pack.h"
#include "resolve/resolver.h"

namespace postern::survey {

struct Progress {
  std::size_t domains = 0;
  std::size_t done = 0;
  std::size_t questions = 0;  ///< Asked so far.
};

struct Options {
  std::size_t in_flight = 64;          ///< Questions under way at most.
  milliseconds patience{8'000};        ///< For one try of one question.
  unsigned tries = 2;                  ///< Of a question that nobody answered.
  milliseconds domain_budget{60'000};  ///< For one domain, from its first question on.
  /// Moment after which nothing more is asked; the epoch for none.
  MonoTime deadline{};
  std::function<bool()> stop = [] { return false; };  ///< Asked some times a second.
  std::function<void(const Progress&)> progress = [](const Progress&) {};
};

/// Two labels that nobody can guess, so that no zone has them but by a wildcard. The system's
/// random numbers.
exposure::Nonces make_nonces();

/// What a resolver's reply says about a question. An answer that policy wrote, and not the zone's
/// owner (RFC 8914 blocked, censored, filtered, prohibited, forged), is not known.
exposure::Answer answer_of(const resolve::Reply& reply, const exposure::Question& question);

/// Asks about all domains and hands each inquiry out as soon as it is done, with its place among
/// `domains`; what could not be asked in time is unknown in it. False where it was ended before all
/// was asked: by `stop` or the deadline; each domain is handed out all the same. One thread, which
/// waits meanwhile.
bool run_survey(std::span<const dns::Name> domains, const exposure::Pack& pack,
                resolve::Resolver& resolver, const Options& options,
                const std::function<void(std::size_t, const exposure::Inquiry&)>& done);

}  // namespace postern::survey
