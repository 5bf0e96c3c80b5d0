#include "feeds/unpack.h"

#include <algorithm>
#include <cstddef>
#include <limits>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <zlib.h>
#include <zstd.h>

namespace postern::feeds {
namespace {

constexpr std::string_view kGzip = "\x1f\x8b";
constexpr std::string_view kZstd = "\x28\xb5\x2f\xfd";
constexpr std::size_t kPieceOctets = 256 * 1024;

Unexpected<Error> too_large(std::uint64_t max_octets) {
  return fail(Errc::limit_exceeded,
              "unpacked it is over " + std::to_string(max_octets) +
                  " octets; raise the feed's max_size if the list is meant to be "
                  "that large");
}

Unexpected<Error> damaged(std::string_view kind) {
  return fail(Errc::corrupt, "the " + std::string(kind) + " data is damaged or cut off");
}

// Text as it comes out of its packing.
class Unpacked {
 public:
  Unpacked(SharedMemory text, std::uint64_t max_octets)
      : text_(std::move(text)), left_(max_octets), max_octets_(max_octets) {}

  Result<void> add(const std::vector<char>& piece, std::size_t size) {
    if (size > left_) return too_large(max_octets_);
    left_ -= size;
    return text_.append(octets_of({piece.data(), size}));
  }
  Result<SharedMemory> finish() {
    POSTERN_CHECK(text_.seal());
    return std::move(text_);
  }

 private:
  SharedMemory text_;
  std::uint64_t left_;
  const std::uint64_t max_octets_;
};

Result<SharedMemory> unpack_gzip(std::string_view octets, Unpacked text) {
  z_stream stream{};
  constexpr int kGzipOnly = 16 + MAX_WBITS;
  if (inflateInit2(&stream, kGzipOnly) != Z_OK) return fail(Errc::unavailable, "out of memory");
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, inflateEnd);
  std::vector<char> piece(kPieceOctets);
  std::size_t given = 0;
  for (;;) {
    if (stream.avail_in == 0 && given < octets.size()) {
      const std::size_t size =
          std::min<std::size_t>(octets.size() - given, std::numeric_limits<uInt>::max());
      // zlib's interface is not const, but it only reads.
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(octets.data() + given));
      stream.avail_in = static_cast<uInt>(size);
      given += size;
    }
    stream.next_out = reinterpret_cast<Bytef*>(piece.data());
    stream.avail_out = static_cast<uInt>(piece.size());
    const int code = inflate(&stream, Z_NO_FLUSH);
    if (code != Z_OK && code != Z_STREAM_END) return damaged("gzip");
    POSTERN_CHECK(text.add(piece, piece.size() - stream.avail_out));
    if (code != Z_STREAM_END) continue;
    // Nothing more, or the zeros that fill up a tape's block, which gzip(1) passes over too.
    const std::string_view rest = octets.substr(given - stream.avail_in);
    if (rest.find_first_not_of('\0') == std::string_view::npos) return text.finish();
    if (inflateReset(&stream) != Z_OK) return damaged("gzip");  // The next member.
  }
}

Result<SharedMemory> unpack_zstd(std::string_view octets, Unpacked text) {
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(),
                                                                        ZSTD_freeDCtx);
  if (!context) return fail(Errc::unavailable, "out of memory");
  std::vector<char> piece(kPieceOctets);
  ZSTD_inBuffer in{octets.data(), octets.size(), 0};
  bool piece_was_full = false;
  while (in.pos < in.size || piece_was_full) {
    ZSTD_outBuffer out{piece.data(), piece.size(), 0};
    const std::size_t left = ZSTD_decompressStream(context.get(), &out, &in);
    if (ZSTD_isError(left) != 0) return damaged("zstd");
    POSTERN_CHECK(text.add(piece, out.pos));
    if (left == 0 && in.pos == in.size) return text.finish();  // The last frame is whole.
    piece_was_full = out.pos == out.size;
  }
  return damaged("zstd");
}

}  // namespace

bool is_packed(const SharedMemory& octets) {
  return octets.starts_with(octets_of(kGzip)) || octets.starts_with(octets_of(kZstd));
}

Result<SharedMemory> unpack(SharedMemory octets, std::uint64_t max_octets) {
  if (!is_packed(octets)) {
    if (POSTERN_TRY(octets.size()) > max_octets) return too_large(max_octets);
    return octets;
  }
  Unpacked text(POSTERN_TRY(SharedMemory::create("postern-text")), max_octets);
  const auto mapping = POSTERN_TRY(Mapping::of(octets));
  const std::string_view packed = text_of(mapping->octets());
  return packed.starts_with(kGzip) ? unpack_gzip(packed, std::move(text))
                                   : unpack_zstd(packed, std::move(text));
}

}  // namespace postern::feeds
