// Whole messages: checked, walked, shown, expanded, written again.
#include <vector>

#include "base/assert.h"
#include "dns/message.h"
#include "dns/rdata.h"
#include "dns/writer.h"

namespace postern::dns {
namespace {

void run(const std::uint8_t* data, std::size_t size) {
  const OctetView message(data, size);
  if (size > kMaxMessageOctets) return;
  const auto view = MessageView::parse(message);
  if (!view) return;
  // Uncompressed a message may be longer than a message can be: then it is cut.
  static std::vector<std::uint8_t> buffer(kMaxMessageOctets);
  MessageWriter writer(buffer, buffer.size());
  writer.header(view->header().id, view->header().flags);
  if (view->question()) POSTERN_ASSERT(writer.question(*view->question()));
  std::size_t written = 0;
  std::vector<Octets> all;
  view->for_each_record([&](Section section, const Record& record) {
    POSTERN_ASSERT(record.rdata_offset + record.rdata.size() <= size);
    const std::string text =
        rdata_to_text(record.type, message, record.rdata_offset, record.rdata.size());
    POSTERN_ASSERT(!text.empty() || record.rdata.empty());
    Name target;
    rdata_target(record.type, message, record, target);
    Octets rdata;
    if (!expand_rdata(message, record, rdata)) {
      POSTERN_ASSERT(record.rdata.empty());  // A deletion by UPDATE; all else was checked.
    }
    if (record.type == RRType::opt) return true;
    if (!writer.record(section, {record.owner, record.type, record.rr_class, record.ttl, rdata})) {
      return false;
    }
    all.push_back(rdata);
    ++written;
    return true;
  });
  const auto again = MessageView::parse(writer.message());
  POSTERN_ASSERT(again);
  std::size_t index = 0;
  again->for_each_record([&](Section, const Record& record) {
    Octets rdata;
    expand_rdata(again->octets(), record, rdata);
    POSTERN_ASSERT(rdata.size() == all[index++].size());
    return true;
  });
  POSTERN_ASSERT(index == written);
}

}  // namespace
}  // namespace postern::dns

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  postern::dns::run(data, size);
  return 0;
}
