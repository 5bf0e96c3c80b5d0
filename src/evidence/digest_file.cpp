#include "evidence/digest_file.h"

#include "evidence/sha256.h"

namespace postern::evidence {

Result<Kept> digest_file(const files::File& file) {
  constexpr std::size_t kBlockOctets = 128U << 10;
  Octets buffer(kBlockOctets);
  Sha256 digest;
  Kept kept;
  POSTERN_CHECK(file.stream(buffer, [&](OctetView block) {
    digest.add(block);
    kept.octets += block.size();
    return true;
  }));
  if (POSTERN_TRY(file.changed()) || kept.octets != file.size()) {
    return fail(Errc::unavailable, "it changed while it was read");
  }
  kept.sha256 = digest.hex();
  return kept;
}

Result<Kept> digest_file(const files::Root& root, const std::string& path) {
  const files::File file = POSTERN_TRY(root.open_file(path));
  return digest_file(file);
}

}  // namespace postern::evidence
