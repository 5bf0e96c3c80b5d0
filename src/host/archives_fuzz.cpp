// Any octets as an archive: listed and read within small bounds.
#include <cstddef>
#include <cstdint>

#include "base/assert.h"
#include "host/archives.h"

namespace {

using postern::OctetView;

class Counter final : public postern::host::ArchiveVisitor {
 public:
  bool wants(std::string_view path, std::uint64_t /*size*/) override {
    POSTERN_ASSERT(!path.empty() && path.front() != '/');
    return true;
  }
  void visit(postern::host::ArchivedFile& file) override {
    while (true) {
      const auto octets = file.next();
      if (!octets || octets->empty()) break;
      octets_ += octets->size();
      POSTERN_ASSERT(octets_ <= (1U << 20) + (64U << 10));
    }
  }

 private:
  std::size_t octets_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto source = postern::host::ArchiveSource::of({data, size});
  postern::host::ArchiveLimits limits;
  limits.max_entries = 64;
  limits.max_octets = 1U << 20;
  const auto listed = postern::host::list_archive(source, "a.zip", limits);
  if (listed) POSTERN_ASSERT(listed->listing.items.size() <= limits.max_entries);
  Counter counter;
  static_cast<void>(postern::host::read_archive(source, "a.zip", counter, limits));
  return 0;
}
