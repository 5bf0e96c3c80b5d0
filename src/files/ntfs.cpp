#include "files/ntfs.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>

#include <sys/xattr.h>

#include "files/extended_attributes.h"
#include "files/open_beneath.h"

namespace postern::files {
namespace {

constexpr std::uint32_t kJunction = 0xA000'0003;
constexpr std::uint32_t kSymbolicLink = 0xA000'000C;
constexpr std::size_t kMaxStreams = 1024;
constexpr std::string_view kUser = "user.";

// ntfs-3g and ntfs3 give these in the order of the machine that reads them.
template <class Number>
Number native(OctetView octets) {
  Number number = 0;
  std::memcpy(&number, octets.data(), sizeof number);
  return number;
}

/// The attribute's octets in `into`; nothing where there are none or more than fit.
std::optional<OctetView> small_attribute(const std::string& path, const char* name,
                                         std::span<std::uint8_t> into) {
  const ssize_t size = ::getxattr(path.c_str(), name, into.data(), into.size());
  if (size < 0) return std::nullopt;
  return into.first(static_cast<std::size_t>(size));
}

std::vector<std::string> stream_names(const FileDescriptor& entry) {
  if (const auto list = attribute(entry, "ntfs.streams.list")) return parse_stream_names(*list);
  std::vector<std::string> streams;
  const auto names = attribute_names(entry);
  if (!names) return streams;
  for (const std::string& name : *names) {
    if (name.starts_with(kUser) && streams.size() < kMaxStreams) {
      streams.push_back(name.substr(kUser.size()));
    }
  }
  return streams;
}

/// Its first word is the tag; data may follow it that nobody here reads.
std::optional<std::uint32_t> tag_of(const FileDescriptor& entry) {
  const auto data = attribute(entry, "system.ntfs_reparse_data");
  constexpr std::size_t kTagOctets = 4;
  if (!data || data->size() < kTagOctets) return std::nullopt;
  // As it stands on the disk: the lowest octet first.
  const Octets& octets = *data;
  return static_cast<std::uint32_t>(octets[0]) | (static_cast<std::uint32_t>(octets[1]) << 8) |
         (static_cast<std::uint32_t>(octets[2]) << 16) |
         (static_cast<std::uint32_t>(octets[3]) << 24);
}

}  // namespace

bool NtfsFacts::leads_elsewhere() const {
  return reparse_tag == kJunction || reparse_tag == kSymbolicLink;
}

Time from_filetime(std::uint64_t filetime) {
  constexpr std::uint64_t kPerSecond = 10'000'000;
  constexpr std::int64_t kFrom1601To1970 = 11'644'473'600;
  return {static_cast<std::int64_t>(filetime / kPerSecond) - kFrom1601To1970,
          static_cast<std::uint32_t>(filetime % kPerSecond) * 100};
}

std::optional<std::uint32_t> parse_ntfs_attributes(OctetView octets) {
  if (octets.size() != sizeof(std::uint32_t)) return std::nullopt;
  return native<std::uint32_t>(octets);
}

std::optional<NtfsTimes> parse_ntfs_times(OctetView octets) {
  constexpr std::size_t kOctets = sizeof(std::uint64_t);
  if (octets.size() != 3 * kOctets && octets.size() != 4 * kOctets) return std::nullopt;
  const auto time = [octets](std::size_t index) {
    return from_filetime(native<std::uint64_t>(octets.subspan(index * kOctets)));
  };
  NtfsTimes times{time(0), time(1), time(2), {}};
  if (octets.size() == 4 * kOctets) times.changed = time(3);
  return times;
}

std::vector<std::string> parse_stream_names(OctetView octets) {
  std::vector<std::string> names;
  std::string_view left = text_of(octets);
  while (!left.empty() && names.size() < kMaxStreams) {
    const std::size_t end = left.find('\0');
    if (end != 0) names.emplace_back(left.substr(0, end));
    left.remove_prefix(end == std::string_view::npos ? left.size() : end + 1);
  }
  std::ranges::sort(names);
  return names;
}

std::optional<NtfsFacts> ntfs_facts(const FileDescriptor& entry) {
  const std::string path = path_through(entry);
  std::array<std::uint8_t, 64> buffer{};
  const auto octets = small_attribute(path, "system.ntfs_attrib", buffer);
  const auto attributes = octets ? parse_ntfs_attributes(*octets) : std::nullopt;
  if (!attributes) return std::nullopt;
  NtfsFacts facts;
  facts.attributes = *attributes;
  if (const auto times = small_attribute(path, "system.ntfs_times", buffer)) {
    facts.times = parse_ntfs_times(*times);
  }
  if ((facts.attributes & kReparsePoint) != 0) facts.reparse_tag = tag_of(entry);
  facts.streams = stream_names(entry);
  return facts;
}

}  // namespace postern::files
