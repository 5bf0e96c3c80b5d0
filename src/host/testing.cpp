#include "host/testing.h"

#include <memory>

#include <archive.h>
#include <archive_entry.h>

#include "exchange/builds.h"
#include "windows/testing/pe_writer.h"

namespace postern::host::testing {

Octets packed(std::string_view kind, const std::vector<Packed>& files) {
  Octets out(std::size_t{8} << 20);
  std::size_t used = 0;
  archive* const handle = archive_write_new();
  if (kind.starts_with("zip")) {
    archive_write_set_format_zip(handle);
    const bool locked = kind == "zip encrypted";
    if (locked && archive_write_set_options(handle, "zip:encryption=aes256") != ARCHIVE_OK) {
      archive_write_free(handle);
      return {};
    }
    if (locked) archive_write_set_passphrase(handle, "x");
  } else if (kind == "7zip") {
    archive_write_set_format_7zip(handle);
  } else if (kind == "gz") {
    archive_write_set_format_raw(handle);
    archive_write_add_filter_gzip(handle);
  } else {
    archive_write_set_format_ustar(handle);
    archive_write_add_filter_gzip(handle);
  }
  archive_write_open_memory(handle, out.data(), out.size(), &used);
  for (const auto& [path, text] : files) {
    archive_entry* const entry = archive_entry_new();
    archive_entry_set_pathname(entry, path.c_str());
    archive_entry_set_size(entry, static_cast<la_int64_t>(text.size()));
    archive_entry_set_filetype(entry, AE_IFREG);
    archive_entry_set_perm(entry, 0644);
    archive_write_header(handle, entry);
    archive_write_data(handle, text.data(), text.size());
    archive_entry_free(entry);
    if (kind == "gz") break;
  }
  archive_write_close(handle);
  archive_write_free(handle);
  out.resize(used);
  return out;
}

std::string program_of_version(std::string_view version) {
  const auto part = exchange::version_of(version)->version.part;
  const auto small = [&](std::size_t at) { return static_cast<std::uint16_t>(part[at]); };
  windows::VersionInfo info;
  info.file = {small(0), small(1), small(2), small(3)};
  const Octets octets = windows::testing::write_pe({.version = info});
  return std::string(text_of(octets));
}

}  // namespace postern::host::testing
