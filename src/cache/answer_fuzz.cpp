// Any message is refused, or becomes an answer that is a whole message for every client.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "cache/cache.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postern::OctetView;
  using postern::cache::Answer;
  using postern::dns::MessageView;
  const auto message = MessageView::parse({data, size});
  if (!message) return 0;
  for (const bool strip_dnssec : {false, true}) {
    const auto answer = postern::cache::make_answer(*message, false, strip_dnssec, {});
    if (!answer) continue;
    POSTERN_ASSERT(answer->question_end <= answer->wire.size());
    POSTERN_ASSERT(answer->ttl_s <= postern::cache::Options{}.max_ttl_s);
    POSTERN_ASSERT(answer->names.size() <= postern::cache::kMaxAnswerNames);
    POSTERN_ASSERT(answer->chain_count <= answer->names.size());

    // A client that asked the same with another id.
    std::array<std::uint8_t, 512> query{};
    std::copy_n(answer->wire.begin(), answer->question_end, query.begin());
    query[0] = 0xab;
    query[2] = 0x01;
    std::array<std::uint8_t, postern::dns::kMaxMessageOctets> out;
    const std::size_t written = postern::cache::write_for_client(
        *answer, OctetView(query).first(answer->question_end), answer->question_end,
        {.age_s = 10, .stale = false, .set_ad = true}, out);
    POSTERN_ASSERT(written == answer->wire.size());
    const auto view = MessageView::parse(OctetView(out).first(written));
    POSTERN_ASSERT(view.has_value());
    POSTERN_ASSERT(view->header().id == 0xab00);
    POSTERN_ASSERT(view->header().additional_count == 0);
    // What is stored is itself an answer, and the same one.
    const auto stored = MessageView::parse(answer->wire);
    POSTERN_ASSERT(stored.has_value() && stored->question_end() == answer->question_end);
    std::size_t index = 0;
    stored->for_each_record([&](postern::dns::Section, const postern::dns::Record& record) {
      POSTERN_ASSERT(answer->ttl_offsets.at(index++) == record.ttl_offset);
      return true;
    });
    POSTERN_ASSERT(index == answer->ttl_offsets.size());
    const auto again = postern::cache::make_answer(*stored, false, strip_dnssec, {});
    POSTERN_ASSERT(again.has_value());
    POSTERN_ASSERT(again->names == answer->names);
    POSTERN_ASSERT(again->chain_count == answer->chain_count);
    POSTERN_ASSERT(again->addresses == answer->addresses);
  }
  return 0;
}
