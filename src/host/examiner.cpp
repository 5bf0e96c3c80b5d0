#include "host/examiner.h"

#include <charconv>

#include "files/extended_attributes.h"

namespace postern::host {
namespace {

constexpr std::string_view kUser = "user.";

// Samba and copying tools write "0x27", at times with more behind a NUL.
std::optional<std::uint32_t> dos_attributes(OctetView value) {
  std::string_view text = text_of(value);
  if (!text.starts_with("0x")) return std::nullopt;
  text.remove_prefix(2);
  std::uint32_t out = 0;
  const auto [at, code] = std::from_chars(text.data(), text.data() + text.size(), out, 16);
  if (code != std::errc() || at == text.data()) return std::nullopt;
  return out;
}

}  // namespace

FileExtra file_extra(const FileDescriptor& file) {
  FileExtra out;
  const auto names = files::attribute_names(file);
  if (!names) return out;
  for (const std::string& name : *names) {
    if (!name.starts_with(kUser)) continue;
    auto value = files::attribute(file, name);
    if (!value) continue;
    if (name == "user.DOSATTRIB") {
      out.attributes = dos_attributes(*value);
    } else if (out.streams.size() < kMaxStreams) {
      out.streams.push_back({name.substr(kUser.size()), *std::move(value)});
    }
  }
  return out;
}

}  // namespace postern::host
