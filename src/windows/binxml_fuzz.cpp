// Any octets as the BinXML of one record: elements are closed as they were opened, and work is
// bounded. Reaches deeper than whole logs, whose checksums and sizes stand in the way.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "base/octets.h"
#include "windows/binxml_runner.h"
#include "windows/event_builder.h"
#include "windows/event_xml.h"

namespace {

using postern::windows::BinXmlSink;
using postern::windows::BinXmlValue;
using postern::windows::KnownName;

class Counting final : public BinXmlSink {
 public:
  void open(std::string_view, KnownName) override { ++depth_; }
  void attribute(std::string_view, KnownName) override { POSTERN_ASSERT(depth_ > 0); }
  void content() override { POSTERN_ASSERT(depth_ > 0); }
  void text(std::string_view) override {}
  void value(const BinXmlValue&, bool) override {}
  void close() override {
    POSTERN_ASSERT(depth_ > 0);
    --depth_;
  }
  ~Counting() override { POSTERN_ASSERT(depth_ == 0); }

 private:
  std::size_t depth_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using postern::windows::WorkBudget;
  if (size > 65536) return 0;
  postern::windows::BinXmlRunner runner;
  runner.begin_chunk({data, size});
  const auto run = [&](BinXmlSink& sink) {
    WorkBudget budget;
    const auto outcome = runner.run(0, size, sink, budget, true);
    POSTERN_ASSERT(outcome.end <= size);
    return outcome.whole;
  };
  Counting counting;
  const bool whole = run(counting);
  postern::windows::EventBuilder builder;
  WorkBudget budget;
  builder.begin(budget);
  runner.run(0, size, builder, budget, true);
  static_cast<void>(builder.finish());
  postern::windows::EventXml xml;
  xml.begin();
  POSTERN_ASSERT(run(xml) == whole);
  return 0;
}
