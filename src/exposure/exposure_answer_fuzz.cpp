// Any octets as the answer to each question of an inquiry: it ends within its bounds, and its
// verdict can be written and remembered.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/octets.h"
#include "exposure/drift.h"
#include "exposure/limits.h"
#include "exposure/report.h"

namespace {

namespace exposure = postern::exposure;

const exposure::Pack& pack() {
  static const exposure::Pack built_in = [] {
    exposure::Pack pack;
    POSTERN_ASSERT(exposure::read_pack(exposure::built_in_pack(), "p", pack).has_value());
    return pack;
  }();
  return built_in;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto domain = postern::dns::Name::from_text("v.example");
  exposure::Inquiry inquiry(*domain, pack(), {"xone", "xtwo"});
  postern::OctetView rest(data, size);
  std::size_t asked = 0;
  while (true) {
    const auto questions = inquiry.next();
    if (questions.empty()) break;
    for (const exposure::Question& question : questions) {
      // Two octets of size in front of each message; the last one serves for all that follow.
      ++asked;
      postern::ByteReader reader(rest);
      const std::size_t length = reader.u16();
      const bool has_more = reader.ok() && length <= reader.left();
      const postern::OctetView message = has_more ? reader.take(length) : rest;
      inquiry.take(question, exposure::read_answer(message, question, (asked & 1U) != 0));
      if (has_more) rest = rest.subspan(2 + length);
    }
  }
  POSTERN_ASSERT(asked <= exposure::kMaxQuestions && inquiry.is_done());
  const exposure::Verdict verdict = exposure::judge(inquiry, pack());
  exposure::Snapshot snapshot = exposure::snapshot_of(inquiry, verdict);
  const auto read = exposure::snapshot_from_text(exposure::to_text(snapshot));
  POSTERN_ASSERT(read.has_value() && read->lines.size() == snapshot.lines.size());
  POSTERN_ASSERT(!verdict.is_complete || exposure::compare(*read, snapshot, inquiry, true).change ==
                                             exposure::Change::same);
  exposure::Report report;
  report.entries.push_back(exposure::entry_of(inquiry, verdict));
  POSTERN_ASSERT(exposure::to_text(report, {.with_records = true}).find('\x1b') ==
                 std::string::npos);
  POSTERN_ASSERT(exposure::to_csv(report).find('\x1b') == std::string::npos);
  POSTERN_ASSERT(exposure::to_json(report).find('\x1b') == std::string::npos);
  return 0;
}
