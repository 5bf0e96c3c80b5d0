// Any octets as TXT records of a small world of domains: the walk ends within its budget, asks for
// nothing twice, and every reader of texts takes them.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/assert.h"
#include "base/octets.h"
#include "exposure/spf.h"
#include "exposure/text_match.h"

namespace {

namespace exposure = postern::exposure;

exposure::Answer answer_of(const exposure::Question& question, std::string_view text) {
  exposure::Answer answer;
  answer.outcome = exposure::Outcome::data;
  // Two records, so that "several" is met, too.
  const std::size_t end = std::min(text.find('\1'), text.size());
  for (const std::string_view part : {text.substr(0, end), text.substr(end)}) {
    exposure::Record record{
        .owner = question.name, .type = postern::dns::RRType::txt, .data = std::string(part)};
    record.text = part;
    answer.records.push_back(std::move(record));
  }
  return answer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text = postern::text_of({data, size});
  const auto domain = postern::dns::Name::from_text("v.example");
  static_cast<void>(exposure::tag_value(text, "p"));
  static_cast<void>(exposure::is_dkim_key(text));
  static_cast<void>(exposure::matches_glob(text.substr(0, 500), "*a*.*b"));
  exposure::Answers answers;
  std::string_view rest = text;
  for (int round = 0;; ++round) {
    const exposure::SpfWalk walk = exposure::walk_spf(*domain, answers);
    POSTERN_ASSERT(walk.lookups <= exposure::kMaxSpfLookups + 1);
    POSTERN_ASSERT(walk.senders.size() <= exposure::kMaxSpfLookups);
    POSTERN_ASSERT(walk.wanted.size() <= exposure::kMaxSpfLookups);
    if (walk.wanted.empty()) return 0;
    POSTERN_ASSERT(round < 200);
    for (const exposure::Question& question : walk.wanted) {
      POSTERN_ASSERT(!answers.contains(question));
      // Each question gets the text up to the next octet 2; then always the same.
      const std::size_t end = std::min(rest.find('\2'), rest.size());
      answers.emplace(question, answer_of(question, rest.substr(0, end)));
      rest.remove_prefix(std::min(end + 1, rest.size()));
      if (rest.empty()) rest = text;
    }
  }
}
