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

int exit_code_of(const Report& report) {
  if (!report.complete || report.servers.empty()) return 2;
  const bool has_any = std::ranges::any_of(report.servers, [](const ServerReport& server) {
    return std::ranges::any_of(
        server.findings, [](const Finding& finding) { return finding.tier >= Tier::attempt; });
  });
  return has_any ? 1 : 0;
}

}  // namespace postern::exchange
