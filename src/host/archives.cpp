#include "host/archives.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#include <archive.h>
#include <archive_entry.h>
#include <fmt/format.h>

#include "exchange/known_good.h"

namespace postern::host {
namespace {

constexpr std::size_t kBlock = 64 * 1024;

struct Close {
  void operator()(archive* handle) const { archive_read_free(handle); }
};
using Handle = std::unique_ptr<archive, Close>;

// What libarchive's callbacks are given.
struct Reading {
  const ArchiveSource* source = nullptr;
  std::uint64_t offset = 0;
  std::vector<std::uint8_t> buffer;
};

la_ssize_t read_block(archive* handle, void* context, const void** block) {
  auto& reading = *static_cast<Reading*>(context);
  const auto got = reading.source->read_at(reading.offset, reading.buffer);
  if (!got) {
    archive_set_error(handle, EIO, "%s", got.error().text.c_str());
    return ARCHIVE_FATAL;
  }
  reading.offset += *got;
  *block = reading.buffer.data();
  return static_cast<la_ssize_t>(*got);
}

la_int64_t seek_to(archive*, void* context, la_int64_t offset, int whence) {
  auto& reading = *static_cast<Reading*>(context);
  std::int64_t base = 0;
  if (whence == SEEK_CUR) base = static_cast<std::int64_t>(reading.offset);
  if (whence == SEEK_END) base = static_cast<std::int64_t>(reading.source->size);
  const std::int64_t to = base + offset;
  if (to < 0) return ARCHIVE_FATAL;
  reading.offset = static_cast<std::uint64_t>(to);
  return to;
}

la_int64_t skip_over(archive*, void* context, la_int64_t count) {
  auto& reading = *static_cast<Reading*>(context);
  const std::uint64_t left = reading.source->size - std::min(reading.source->size, reading.offset);
  const std::uint64_t skipped =
      std::min(left, static_cast<std::uint64_t>(std::max<la_int64_t>(count, 0)));
  reading.offset += skipped;
  return static_cast<la_int64_t>(skipped);
}

std::string error_of(archive* handle) {
  const char* const text = archive_error_string(handle);
  return text == nullptr ? "cannot be read" : text;
}

// What leads nowhere: '/' between parts, no "..", no drive, never empty.
std::string shown_path(const char* path, std::string_view archive_name) {
  std::string out;
  std::string_view rest = path == nullptr ? "" : path;
  while (!rest.empty()) {
    const std::size_t end = std::min(rest.find_first_of("/\\"), rest.size());
    const std::string_view part = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (part.empty() || part == "." || part == ".." || part.ends_with(':')) continue;
    if (!out.empty()) out += '/';
    out += part;
  }
  // What gzip packs has no name of its own but that of its file.
  if (out.empty() || out == "data") {
    std::string_view name = exchange::file_name_of(archive_name);
    if (exchange::lower(exchange::extension_of(name)) == "gz") name.remove_suffix(3);
    out = name.empty() ? "data" : std::string(name);
  }
  return out;
}

bool is_volume(std::string_view name) {
  const std::string low = exchange::lower(name);
  const std::string_view extension = exchange::extension_of(low);
  const bool numbered = extension.size() == 3 &&
                        (extension[0] == 'z' || extension[0] == 'r' || extension[0] == '0') &&
                        extension[1] >= '0' && extension[1] <= '9';
  return numbered || low.find(".part1.rar") != std::string::npos ||
         low.find(".part01.rar") != std::string::npos;
}

// One archive, open.
class Opened {
 public:
  Opened(const ArchiveSource& source, const ArchiveLimits& limits)
      : limits_(limits), handle_(archive_read_new()) {
    reading_.source = &source;
    reading_.buffer.resize(kBlock);
  }

  Result<void> open() {
    if (!handle_) return fail(Errc::unavailable, "out of memory");
    archive* const handle = handle_.get();
    // Nothing that runs another program, nothing that nobody sends.
    archive_read_support_filter_gzip(handle);
    archive_read_support_format_zip_seekable(handle);
    archive_read_support_format_7zip(handle);
    archive_read_support_format_rar(handle);
    archive_read_support_format_rar5(handle);
    archive_read_support_format_cab(handle);
    archive_read_support_format_tar(handle);
    std::array<std::uint8_t, 8> head{};
    const auto got = reading_.source->read_at(0, head);
    const auto kind = exchange::archive_kind(OctetView(head).first(got.value_or(0)));
    is_stream_ = kind == exchange::ArchiveKind::gzip;
    if (is_stream_) archive_read_support_format_raw(handle);
    archive_read_set_read_callback(handle, read_block);
    archive_read_set_seek_callback(handle, seek_to);
    archive_read_set_skip_callback(handle, skip_over);
    archive_read_set_callback_data(handle, &reading_);
    if (archive_read_open1(handle) != ARCHIVE_OK)
      return fail(Errc::invalid_input, error_of(handle));
    return {};
  }

  /// The next entry, or nullptr at the end. An error: what follows cannot be read.
  Result<archive_entry*> next() {
    if (is_stream_) POSTERN_CHECK(drain());
    archive_entry* entry = nullptr;
    const int code = archive_read_next_header(handle_.get(), &entry);
    if (code == ARCHIVE_EOF) return nullptr;
    if (code < ARCHIVE_WARN) return fail(Errc::invalid_input, error_of(handle_.get()));
    if (++entries_ > limits_.max_entries) {
      return fail(Errc::limit_exceeded,
                  fmt::format("over {} files in the archive", limits_.max_entries));
    }
    return entry;
  }

  /// Some octets of the current file; empty at its end.
  Result<OctetView> data() {
    const la_ssize_t got = archive_read_data(handle_.get(), buffer_.data(), buffer_.size());
    if (got < 0) return fail(Errc::invalid_input, error_of(handle_.get()));
    octets_ += static_cast<std::uint64_t>(got);
    if (octets_ > limits_.max_octets) {
      return fail(Errc::limit_exceeded,
                  fmt::format("unpacks to over {} octets", limits_.max_octets));
    }
    const std::uint64_t packed = std::max<std::uint64_t>(reading_.source->size, 1);
    if (octets_ > limits_.ratio_from && octets_ / packed > limits_.max_ratio) {
      return fail(Errc::limit_exceeded,
                  fmt::format("unpacks to over {} times its size: a bomb", limits_.max_ratio));
    }
    return OctetView(buffer_).first(static_cast<std::size_t>(got));
  }

  bool is_encrypted() const { return archive_read_has_encrypted_entries(handle_.get()) == 1; }

 private:
  /// The rest of the current file. Libarchive would unpack it as well, and count nothing.
  Result<void> drain() {
    while (entries_ > 0) {
      const auto octets = data();
      if (!octets && octets.error().code == Errc::limit_exceeded) {
        return Unexpected<Error>(octets.error());
      }
      // What is damaged shows at the next header.
      if (!octets || octets->empty()) break;
    }
    return {};
  }

  ArchiveLimits limits_;
  bool is_stream_ = false;  ///< Packed as a whole: nothing in it can be skipped.
  Reading reading_;
  Handle handle_;
  std::vector<std::uint8_t> buffer_ = std::vector<std::uint8_t>(kBlock);
  std::uint64_t octets_ = 0;
  std::size_t entries_ = 0;
};

// The file that an archive stands at.
class Current final : public ArchivedFile {
 public:
  explicit Current(Opened& archive) : archive_(archive) {}

  Result<OctetView> next() override {
    if (fault_) return Unexpected<Error>(*fault_);
    auto octets = archive_.data();
    if (!octets) fault_ = octets.error();
    return octets;
  }

  /// What ends the archive: a bound. One file that cannot be unpacked ends itself.
  std::optional<Error> bound() const {
    return fault_ && fault_->code == Errc::limit_exceeded ? fault_ : std::nullopt;
  }

 private:
  Opened& archive_;
  std::optional<Error> fault_;
};

}  // namespace

Result<std::size_t> ArchivedFile::read(std::span<std::uint8_t> into) {
  std::size_t have = 0;
  while (have < into.size()) {
    if (left_.empty()) left_ = POSTERN_TRY(next());
    if (left_.empty()) break;
    const std::size_t count = std::min(into.size() - have, left_.size());
    std::memcpy(&into[have], left_.data(), count);
    left_ = left_.subspan(count);
    have += count;
  }
  return have;
}

ArchiveSource ArchiveSource::of(OctetView octets) {
  ArchiveSource out;
  out.size = octets.size();
  out.read_at = [octets](std::uint64_t offset,
                         std::span<std::uint8_t> into) -> Result<std::size_t> {
    if (offset >= octets.size()) return std::size_t{0};
    const std::size_t count =
        std::min(into.size(), octets.size() - static_cast<std::size_t>(offset));
    std::memcpy(into.data(), &octets[static_cast<std::size_t>(offset)], count);
    return count;
  };
  return out;
}

Result<Listed> list_archive(const ArchiveSource& source, std::string_view name,
                            const ArchiveLimits& limits) {
  Listed out;
  std::array<std::uint8_t, 8> head{};
  const std::size_t got = POSTERN_TRY(source.read_at(0, head));
  const auto kind = exchange::archive_kind(OctetView(head).first(got));
  if (!kind) return fail(Errc::invalid_input, "is no archive");
  out.listing.kind = *kind;
  out.listing.multi_volume = is_volume(name);
  const auto broken = [&](const Error& error) {
    out.listing.complete = false;
    out.fault = error.text;
    const bool locked = error.text.find("ncrypt") != std::string::npos ||
                        error.text.find("assphrase") != std::string::npos;
    out.listing.encrypted = out.listing.encrypted || locked;
    out.listing.multi_volume =
        out.listing.multi_volume || error.text.find("olume") != std::string::npos;
  };
  Opened opened(source, limits);
  if (const auto open = opened.open(); !open) {
    broken(open.error());
    return out;
  }
  std::uint64_t said = 0;
  while (true) {
    const auto entry = opened.next();
    if (!entry) {
      broken(entry.error());
      break;
    }
    if (*entry == nullptr) break;
    const la_int64_t size = archive_entry_size_is_set(*entry) != 0 ? archive_entry_size(*entry) : 0;
    const auto octets = static_cast<std::uint64_t>(std::max<la_int64_t>(size, 0));
    const bool over = octets > limits.max_octets - std::min(said, limits.max_octets);
    said += std::min(octets, limits.max_octets);
    if (archive_entry_is_encrypted(*entry) != 0) out.listing.encrypted = true;
    if (archive_entry_filetype(*entry) == AE_IFDIR) continue;
    out.listing.items.push_back({shown_path(archive_entry_pathname(*entry), name), octets});
    if (over && out.fault.empty()) {
      out.fault = fmt::format("says that it unpacks to over {} octets", limits.max_octets);
    }
  }
  out.listing.encrypted = out.listing.encrypted || opened.is_encrypted();
  return out;
}

Result<void> read_archive(const ArchiveSource& source, std::string_view name,
                          ArchiveVisitor& visitor, const ArchiveLimits& limits) {
  Opened opened(source, limits);
  POSTERN_CHECK(opened.open());
  while (true) {
    archive_entry* const entry = POSTERN_TRY(opened.next());
    if (entry == nullptr) return {};
    if (archive_entry_filetype(entry) != AE_IFREG) continue;
    const la_int64_t size = archive_entry_size_is_set(entry) != 0 ? archive_entry_size(entry) : 0;
    const std::string path = shown_path(archive_entry_pathname(entry), name);
    if (!visitor.wants(path, static_cast<std::uint64_t>(std::max<la_int64_t>(size, 0)))) continue;
    Current file(opened);
    visitor.visit(file);
    if (auto bound = file.bound()) return Unexpected<Error>(*std::move(bound));
  }
}

}  // namespace postern::host
