#include "feeds/image_store.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <functional>
#include <optional>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_descriptor.h"
#include "feeds/files.h"

namespace postern::feeds {
namespace {

constexpr std::string_view kPrefix = "rules-", kSuffix = ".image";
/// No generation has a higher number: a name that says so is not ours.
constexpr std::uint64_t kMaxNumber = std::uint64_t{1} << 53;

Result<HeldImage> read_image(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) {
    return Unexpected<Error>(system_error("open " + path, errno));
  }
  if (!S_ISREG(status.st_mode)) return fail(Errc::corrupt, path + " is not a regular file");
  SharedMemory memory = POSTERN_TRY(SharedMemory::create("postern-image"));
  if (auto read = memory.append_file(file.get(), ImageStore::kMaxOctets); !read) {
    return Unexpected<Error>(std::move(read).error().context(path));
  }
  auto held = hold_image(std::move(memory));
  if (!held) return Unexpected<Error>(std::move(held).error().context(path));
  return held;
}

std::optional<std::uint64_t> number_in(std::string_view file) {
  if (!file.starts_with(kPrefix) || !file.ends_with(kSuffix)) return std::nullopt;
  file.remove_prefix(kPrefix.size());
  file.remove_suffix(kSuffix.size());
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(file.data(), file.data() + file.size(), number);
  const bool is_whole = error == std::errc() && end == file.data() + file.size();
  return is_whole && number <= kMaxNumber ? std::optional(number) : std::nullopt;
}

}  // namespace

std::string ImageStore::path(std::uint64_t number) const {
  return folder_ + "/" + std::string(kPrefix) + std::to_string(number) + std::string(kSuffix);
}

std::vector<std::uint64_t> ImageStore::numbers() const {
  std::vector<std::uint64_t> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder_, error), end; !error && at != end;
       at.increment(error)) {
    if (const auto number = number_in(at->path().filename().string())) numbers.push_back(*number);
  }
  std::ranges::sort(numbers, std::greater());
  return numbers;
}

HeldImage ImageStore::load_newest() const {
  for (const std::uint64_t number : numbers()) {
    auto image = read_image(path(number));
    if (image) return *std::move(image);
    log_->warning("feeds",
                  "rules of generation " + std::to_string(number) +
                      " are passed over, the feeds are read instead: " + image.error().text);
  }
  return {};
}

Result<void> ImageStore::save(std::uint64_t number, const SharedMemory& image) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return Unexpected<Error>(system_error("make " + folder_, error.value()));
  POSTERN_CHECK(replace_file(path(number), image, 0600));
  remove_old(number);
  return {};
}

Result<HeldImage> ImageStore::load(std::uint64_t number) const {
  if (!stamp_of(path(number))) {
    return fail(Errc::not_found,
                "the rules of generation " + std::to_string(number) + " are not kept any more");
  }
  return read_image(path(number));
}

std::optional<std::uint64_t> ImageStore::number_at(WallTime at) const {
  for (const std::uint64_t number : numbers()) {
    const auto stamp = stamp_of(path(number));
    if (stamp && WallTime(microseconds(stamp->modified_ns / 1000)) <= at) return number;
  }
  return std::nullopt;
}

void ImageStore::remove_old(std::uint64_t newest) const {
  std::error_code error;
  std::vector<std::uint64_t> others = numbers();
  std::erase(others, newest);
  for (std::size_t i = kKept - 1; i < others.size(); ++i) {
    if (std::ranges::find(needed_, others[i]) != needed_.end()) continue;
    std::filesystem::remove(path(others[i]), error);  // Failing to is no harm.
  }
}

void ImageStore::remove_unfinished() const {
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder_, error), end; !error && at != end;
       at.increment(error)) {
    const std::string file = at->path().filename().string();
    std::string_view rest = file;
    if (!rest.ends_with(kUnfinished)) continue;
    rest.remove_suffix(kUnfinished.size());
    std::error_code ignored;
    if (number_in(rest) || rest.ends_with(".feed") || rest.ends_with(".meta")) {
      std::filesystem::remove(at->path(), ignored);
    }
  }
}

}  // namespace postern::feeds
