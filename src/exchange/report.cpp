#include "exchange/report.h"

#include <algorithm>

namespace postern::exchange {

Outcome outcome_of(const Report& report) {
  Outcome worst = report.servers.empty() ? Outcome::cannot_be_ruled_out : Outcome::no_evidence;
  for (const ServerReport& server : report.servers) {
    worst = std::max(worst, server.verdict.outcome);
  }
  return worst;
}

const FindingChange* change_of(const ServerReport& server, std::size_t finding) {
  return server.since ? &server.since->changes[finding] : nullptr;
}

namespace {

bool counts(const ServerReport& server, std::size_t number) {
  if (server.findings[number].tier < Tier::attempt) return false;
  const FindingChange* const change = change_of(server, number);
  return change == nullptr || change->is_news;
}

}  // namespace

int exit_code_of(const Report& report) {
  if (!report.complete || report.servers.empty()) return 2;
  for (const ServerReport& server : report.servers) {
    for (std::size_t i = 0; i < server.findings.size(); ++i) {
      if (counts(server, i)) return 1;
    }
  }
  return 0;
}

}  // namespace postern::exchange
