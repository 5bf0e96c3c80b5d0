#include "host/testing.h"

#include <memory>

#include <archive.h>
#include <archive_entry.h>

#include "exchange/builds.h"

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
  std::string out = "MZ";
  out.resize(64);
  for (const char c : std::string_view("VS_VERSION_INFO\0", 16)) {
    out += c;
    out += '\0';
  }
  out.resize((out.size() + 3) / 4 * 4);
  const auto number = [&](std::uint32_t value) {
    for (int i = 0; i < 4; ++i) out += static_cast<char>(value >> (8 * i));
  };
  number(0xFEEF04BD);
  number(0x10000);
  const auto read = exchange::version_of(version);
  number((read->version.part[0] << 16) | read->version.part[1]);
  number((read->version.part[2] << 16) | read->version.part[3]);
  out.resize(out.size() + 64);
  return out;
}

}  // namespace postern::host::testing
