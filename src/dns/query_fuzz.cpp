// What a client sends: parsed, and answered with its own question.
#include <array>

#include "base/assert.h"
#include "dns/message.h"
#include "dns/writer.h"

namespace postern::dns {
namespace {

void run(const std::uint8_t* data, std::size_t size) {
  const OctetView message(data, size);
  Query query;
  const auto result = parse_query(message, query);
  if (!result && result.error() == QueryError::not_a_query) return;
  POSTERN_ASSERT(query.question_end <= size && query.udp_octets() >= 512);
  POSTERN_ASSERT(!result || query.question_end > kHeaderOctets);
  if (query.edns) {
    for (unsigned code = 0; code < 20; ++code) {
      const auto option = find_option(*query.edns, static_cast<EdnsOption>(code));
      POSTERN_ASSERT(!option || option->size() <= query.edns->options.size());
    }
  }
  std::array<std::uint8_t, 512> buffer;
  MessageWriter writer(buffer, buffer.size());
  writer.header(query.header.id, flag::qr);
  if (query.question_end == 0) return;
  POSTERN_ASSERT(writer.echo_question(message, query.question_end));
  const std::array<std::uint8_t, 4> address{};
  POSTERN_ASSERT(
      writer.record(Section::answer, {query.question.qname, RRType::a, RRClass::in, 1, address}));
  writer.opt(1232, Rcode::noerror, false, {});
  const auto answer = MessageView::parse(writer.message());
  POSTERN_ASSERT(answer && answer->question() == query.question);
  answer->for_each_record([&](Section section, const Record& record) {
    POSTERN_ASSERT(section != Section::answer || record.owner == query.question.qname);
    return true;
  });
}

}  // namespace
}  // namespace postern::dns

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::dns::run(data, size);
  return 0;
}
