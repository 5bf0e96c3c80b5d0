#include "evidence/object_store.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>
#include <utility>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

#include "base/assert.h"
#include "evidence/durable.h"
#include "evidence/hex.h"
#include "evidence/sha256.h"
#include "files/folder_names.h"
#include "files/open_beneath.h"

namespace postern::evidence {
namespace {

constexpr std::size_t kBlockOctets = 128U << 10;
constexpr int kLevel = 6;
constexpr int kMaxWindowLog = 27;  // 128 MiB: what zstd itself takes when it is not told otherwise.
constexpr const char* kIncoming = "object";

std::string path_of(const std::string& sha256) {
  return sha256.substr(0, 2) + "/" + sha256 + ".zst";
}

Error zstd_error(std::size_t code) {
  return Error{Errc::corrupt, std::string("zstd: ") + ZSTD_getErrorName(code)};
}

/// Compresses into a file, and digests what comes in.
class Compressor {
 public:
  explicit Compressor(int file) : file_(file), context_(ZSTD_createCCtx(), ZSTD_freeCCtx) {
    POSTERN_ASSERT(context_);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_compressionLevel, kLevel);
    ZSTD_CCtx_setParameter(context_.get(), ZSTD_c_checksumFlag, 1);
  }

  Result<void> add(OctetView octets) {
    digest_.add(octets);
    stored_.octets += octets.size();
    ZSTD_inBuffer in{octets.data(), octets.size(), 0};
    while (in.pos < in.size) POSTERN_CHECK(step(in, ZSTD_e_continue));
    return {};
  }

  Result<Stored> end() {
    ZSTD_inBuffer in{nullptr, 0, 0};
    while (POSTERN_TRY(step(in, ZSTD_e_end)) != 0) {
    }
    stored_.sha256 = digest_.hex();
    return stored_;
  }

  std::uint64_t written() const { return written_; }

 private:
  // How much is left to flush.
  Result<std::size_t> step(ZSTD_inBuffer& in, ZSTD_EndDirective directive) {
    ZSTD_outBuffer out{buffer_.data(), buffer_.size(), 0};
    const std::size_t left = ZSTD_compressStream2(context_.get(), &out, &in, directive);
    if (ZSTD_isError(left) != 0) return Unexpected<Error>(zstd_error(left));
    POSTERN_CHECK(write_all(file_, OctetView(buffer_).first(out.pos)));
    written_ += out.pos;
    return left;
  }

  int file_;
  std::unique_ptr<ZSTD_CCtx, std::size_t (*)(ZSTD_CCtx*)> context_;
  Octets buffer_ = Octets(kBlockOctets);
  Sha256 digest_;
  Stored stored_;
  std::uint64_t written_ = 0;
};

}  // namespace

Result<ObjectStore> ObjectStore::create(int pack) {
  FileDescriptor objects = POSTERN_TRY(make_folder(pack, "objects"));
  FileDescriptor partial = POSTERN_TRY(make_folder(pack, "partial"));
  ::unlinkat(partial.get(), kIncoming, 0);
  return ObjectStore(std::move(objects), std::move(partial));
}

Result<ObjectStore> ObjectStore::open(int pack) {
  FileDescriptor objects =
      POSTERN_TRY(files::open_beneath(pack, "objects", O_RDONLY | O_DIRECTORY));
  return ObjectStore(std::move(objects), FileDescriptor());
}

Result<Result<Stored>> ObjectStore::keep(const files::File& file) {
  Octets buffer(kBlockOctets);
  return keep_from([&](const Take& take) { return file.stream(buffer, take); });
}

Result<Stored> ObjectStore::keep(OctetView octets) {
  return POSTERN_TRY(keep_from([octets](const Take& take) -> Result<void> {
    take(octets);
    return {};
  }));
}

Result<Result<Stored>> ObjectStore::keep_from(const Source& source) {
  ::unlinkat(partial_.get(), kIncoming, 0);
  Stored stored;
  std::uint64_t written_octets = 0;
  {
    const FileDescriptor file = POSTERN_TRY(
        files::open_beneath(partial_.get(), kIncoming, O_WRONLY | O_CREAT | O_EXCL, 0400));
    Compressor compressor(file.get());
    Result<void> written;
    const Result<void> read = source([&](OctetView block) {
      written = compressor.add(block);
      return written.has_value();
    });
    POSTERN_CHECK(std::move(written));
    if (!read) return Result<Stored>(Unexpected<Error>(read.error()));
    stored = POSTERN_TRY(compressor.end());
    written_octets = compressor.written();
    POSTERN_CHECK(sync_file(file.get()));
  }
  const FileDescriptor folder =
      POSTERN_TRY(make_folder(objects_.get(), std::string_view(stored.sha256).substr(0, 2)));
  const std::string name = stored.sha256 + ".zst";
  if (check(stored.sha256, stored.octets)) {
    ::unlinkat(partial_.get(), kIncoming, 0);
    return stored;
  }
  if (::renameat(partial_.get(), kIncoming, folder.get(), name.c_str()) != 0) {
    return Unexpected<Error>(system_error("rename an object", errno));
  }
  POSTERN_CHECK(sync_folder(folder.get()));
  written_octets_ += written_octets;
  return stored;
}

Result<void> ObjectStore::unpack(const std::string& sha256, std::uint64_t octets,
                                 const std::function<Result<void>(OctetView)>& take) const {
  if (!is_sha256(sha256)) return fail(Errc::corrupt, "not a SHA-256: " + sha256.substr(0, 80));
  const FileDescriptor file = POSTERN_TRY(
      files::open_beneath(objects_.get(), path_of(sha256), O_RDONLY | O_NONBLOCK | O_NOCTTY));
  const files::Metadata metadata = POSTERN_TRY(files::metadata_of(file.get()));
  if (metadata.kind != files::Kind::regular) return fail(Errc::corrupt, "no regular file");
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                        ZSTD_freeDCtx);
  POSTERN_ASSERT(context);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kMaxWindowLog);
  Octets packed(kBlockOctets);
  Octets plain(kBlockOctets);
  Sha256 digest;
  std::uint64_t count = 0;
  std::size_t left = 1;  // Of the frame; 0 at its end.
  for (;;) {
    const ssize_t got = ::read(file.get(), packed.data(), packed.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unexpected<Error>(system_error("read", errno));
    if (got == 0) break;
    ZSTD_inBuffer in{packed.data(), static_cast<std::size_t>(got), 0};
    // A full buffer may mean that more of the same input is to come.
    for (bool is_full = false; in.pos < in.size || is_full;) {
      ZSTD_outBuffer out{plain.data(), plain.size(), 0};
      left = ZSTD_decompressStream(context.get(), &out, &in);
      if (ZSTD_isError(left) != 0) return Unexpected<Error>(zstd_error(left));
      is_full = out.pos == out.size;
      count += out.pos;
      if (count > octets) return fail(Errc::corrupt, "it holds more octets than it should");
      const OctetView piece = OctetView(plain).first(out.pos);
      digest.add(piece);
      POSTERN_CHECK(take(piece));
    }
  }
  if (left != 0) return fail(Errc::corrupt, "it is cut off");
  if (count != octets) return fail(Errc::corrupt, "it holds fewer octets than it should");
  if (digest.hex() != sha256) return fail(Errc::corrupt, "its SHA-256 is another one");
  return {};
}

Result<void> ObjectStore::check(const std::string& sha256, std::uint64_t octets) const {
  return unpack(sha256, octets, [](OctetView) -> Result<void> { return {}; });
}

Result<Octets> ObjectStore::read(const std::string& sha256, std::uint64_t octets,
                                 std::uint64_t max_octets) const {
  if (octets > max_octets) return fail(Errc::limit_exceeded, "the object is too large");
  Octets all;
  POSTERN_CHECK(unpack(sha256, octets, [&all](OctetView piece) -> Result<void> {
    all.insert(all.end(), piece.begin(), piece.end());
    return {};
  }));
  return all;
}

Result<void> ObjectStore::keep_only(const std::set<std::string>& wanted) {
  for (const std::string& name : POSTERN_TRY(names())) {
    if (!is_sha256(name) || wanted.contains(name)) continue;
    if (::unlinkat(objects_.get(), path_of(name).c_str(), 0) != 0) {
      return Unexpected<Error>(system_error("remove an object", errno));
    }
  }
  return {};
}

Result<std::vector<std::string>> ObjectStore::names() const {
  constexpr std::size_t kPortionOctets = 1U << 20;
  std::vector<std::string> names;
  const auto list = [](int folder,
                       const std::function<Result<void>(const char*)>& take) -> Result<void> {
    const FileDescriptor opened =
        POSTERN_TRY(files::open_beneath(folder, "", O_RDONLY | O_DIRECTORY));
    auto entries = POSTERN_TRY(files::FolderNames::open(opened));
    for (;;) {
      POSTERN_CHECK(entries.read_portion(kPortionOctets));
      if (entries.empty()) return {};
      for (std::size_t i = 0; i < entries.size(); ++i) POSTERN_CHECK(take(entries.name(i)));
    }
  };
  POSTERN_CHECK(list(objects_.get(), [&](const char* prefix) -> Result<void> {
    const auto folder = files::open_beneath(objects_.get(), prefix, O_RDONLY | O_DIRECTORY);
    if (!folder) {
      names.emplace_back(prefix);
      return {};
    }
    return list(folder->get(), [&](const char* name) -> Result<void> {
      const std::string_view text(name);
      const std::string_view sha256 = text.substr(0, text.find('.'));
      const bool is_object =
          is_sha256(sha256) && path_of(std::string(sha256)) == std::string(prefix) + "/" + name;
      names.push_back(is_object ? std::string(sha256) : std::string(prefix) + "/" + name);
      return {};
    });
  }));
  std::ranges::sort(names);
  return names;
}

}  // namespace postern::evidence
