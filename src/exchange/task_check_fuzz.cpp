// Any octets as a scheduled task and as a configuration of IIS: read within bounds, or refused.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "exchange/compiled_page.h"
#include "exchange/config_check.h"
#include "exchange/dump_check.h"
#include "exchange/task_check.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const postern::OctetView octets{data, size};
  if (const auto task = postern::exchange::read_task(octets)) {
    for (const auto& finding : postern::exchange::check_task("Tasks/x", *task, "2021-01-03")) {
      POSTERN_ASSERT(finding.confidence > 0 && finding.confidence < 100);
    }
  }
  if (const auto config = postern::exchange::check_config("wwwroot/web.config", octets)) {
    static_cast<void>(postern::exchange::mitigations_of({*config}));
  }
  static_cast<void>(postern::exchange::memory_dump(octets));
  static_cast<void>(postern::exchange::compiled_page("a.aspx.12345678.compiled", octets));
  return 0;
}
