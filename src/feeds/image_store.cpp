#include "feeds/image_store.h"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <functional>
#include <optional>
#include <span>
#include <string_view>
#include <system_error>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file_descriptor.h"
#include "feeds/files.h"

namespace postern::feeds {
namespace {

constexpr std::string_view kPrefix = "rules-", kSuffix = ".image";
/// No generation has a higher number: a name that says so is not ours.
constexpr std::uint64_t kMaxNumber = std::uint64_t{1} << 53;

/// Pages of our own, given back when nobody reads them any more.
class Pages {
 public:
  static Result<std::shared_ptr<Pages>> of(std::size_t octets) {
    const std::size_t size = std::max<std::size_t>(octets, 1);
    void* const at =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (at == MAP_FAILED) return Unexpected<Error>(system_error("get memory", errno));
    ::madvise(at, size, MADV_HUGEPAGE);  // A wish.
    return std::shared_ptr<Pages>(new Pages(static_cast<std::uint8_t*>(at), size));
  }
  ~Pages() { ::munmap(at_, size_); }
  Pages(const Pages&) = delete;
  Pages& operator=(const Pages&) = delete;

  std::span<std::uint8_t> octets() const { return {at_, size_}; }
  void protect() const { ::mprotect(at_, size_, PROT_READ); }

 private:
  Pages(std::uint8_t* at, std::size_t size) : at_(at), size_(size) {}

  std::uint8_t* at_;
  std::size_t size_;
};

Result<std::shared_ptr<const policy::RuleImage>> open_image(const std::shared_ptr<Pages>& pages,
                                                            std::size_t size) {
  pages->protect();
  return policy::RuleImage::open(pages->octets().first(size), pages);
}

Result<std::shared_ptr<const policy::RuleImage>> read_image(const std::string& path) {
  const FileDescriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  struct stat status{};
  if (!file || ::fstat(file.get(), &status) != 0) {
    return Unexpected<Error>(system_error("open " + path, errno));
  }
  if (!S_ISREG(status.st_mode)) return fail(Errc::corrupt, path + " is not a regular file");
  const auto size = static_cast<std::size_t>(status.st_size);
  if (size > ImageStore::kMaxOctets) return fail(Errc::corrupt, path + " is too large");
  const std::shared_ptr<Pages> pages = POSTERN_TRY(Pages::of(size));
  for (std::size_t done = 0; done < size;) {
    const ssize_t got = ::read(file.get(), pages->octets().data() + done, size - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return Unexpected<Error>(system_error("read " + path, errno));
    if (got == 0) return fail(Errc::corrupt, path + " became shorter while it was read");
    done += static_cast<std::size_t>(got);
  }
  auto opened = open_image(pages, size);
  if (!opened) return Unexpected<Error>(std::move(opened).error().context(path));
  return opened;
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

Result<std::shared_ptr<const policy::RuleImage>> hold_image(OctetView octets) {
  const std::shared_ptr<Pages> pages = POSTERN_TRY(Pages::of(octets.size()));
  std::ranges::copy(octets, pages->octets().begin());
  return open_image(pages, octets.size());
}

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

std::shared_ptr<const policy::RuleImage> ImageStore::load_newest() const {
  for (const std::uint64_t number : numbers()) {
    auto image = read_image(path(number));
    if (image) return *std::move(image);
    log_->warning("feeds",
                  "rules of generation " + std::to_string(number) +
                      " are passed over, the feeds are read instead: " + image.error().text);
  }
  return nullptr;
}

Result<void> ImageStore::save(std::uint64_t number, OctetView octets) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return Unexpected<Error>(system_error("make " + folder_, error.value()));
  POSTERN_CHECK(replace_file(path(number), text_of(octets), 0600));
  remove_old(number);
  return {};
}

Result<std::shared_ptr<const policy::RuleImage>> ImageStore::load(std::uint64_t number) const {
  if (!stamp_of(path(number))) {
    return fail(Errc::not_found,
                "the rules of generation " + std::to_string(number) + " are not kept any more");
  }
  return read_image(path(number));
}

Result<void> ImageStore::link(std::uint64_t from, std::uint64_t number) {
  std::error_code error;
  std::filesystem::create_hard_link(path(from), path(number), error);
  if (error) return Unexpected<Error>(system_error("link " + path(number), error.value()));
  remove_old(number);
  return {};
}

void ImageStore::remove_old(std::uint64_t newest) const {
  std::error_code error;
  std::vector<std::uint64_t> others = numbers();
  std::erase(others, newest);
  for (std::size_t i = kKept - 1; i < others.size(); ++i) {
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
