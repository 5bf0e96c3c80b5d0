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

constexpr std::string_view kPrefix = "rules-", kOn = "-on-", kSuffix = ".image";
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

/// Also moves `text` behind the number.
std::optional<std::uint64_t> take_number(std::string_view& text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || number > kMaxNumber) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return number;
}

bool take_word(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return false;
  text.remove_prefix(word.size());
  return true;
}

/// As a file has it.
Result<void> replace_with(const std::string& path, const HeldImage& image) {
  if (image.memory) return replace_file(path, *image.memory, 0600);
  return replace_file(path, POSTERN_TRY(SharedMemory::of(image.image->octets())), 0600);
}

}  // namespace

std::optional<ImageStore::Entry> ImageStore::entry_in(std::string_view file) {
  if (!take_word(file, kPrefix)) return std::nullopt;
  const auto number = take_number(file);
  if (!number) return std::nullopt;
  Entry entry{*number, 0};
  if (take_word(file, kOn)) {
    const auto ground = take_number(file);
    // A ground is older, so that none can lie on itself.
    if (!ground || *ground == 0 || *ground >= *number) return std::nullopt;
    entry.ground = *ground;
  }
  return file == kSuffix ? std::optional(entry) : std::nullopt;
}

std::string ImageStore::path(const Entry& entry) const {
  std::string path = folder_ + "/" + std::string(kPrefix) + std::to_string(entry.number);
  if (entry.ground != 0) path += std::string(kOn) + std::to_string(entry.ground);
  return path + std::string(kSuffix);
}

/// The newest first.
std::vector<ImageStore::Entry> ImageStore::entries() const {
  std::vector<Entry> entries;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder_, error), end; !error && at != end;
       at.increment(error)) {
    if (const auto entry = entry_in(at->path().filename().string())) entries.push_back(*entry);
  }
  std::ranges::sort(entries, std::greater(), &Entry::number);
  return entries;
}

std::vector<std::uint64_t> ImageStore::numbers() const {
  std::vector<std::uint64_t> numbers;
  for (const Entry& entry : entries()) numbers.push_back(entry.number);
  return numbers;
}

HeldImages ImageStore::load_newest() {
  for (const Entry& entry : entries()) {
    auto images = load(entry);
    if (images) return *std::move(images);
    log_->warning("feeds",
                  "rules of generation " + std::to_string(entry.number) +
                      " are passed over, the feeds are read instead: " + images.error().text);
  }
  return {};
}

Result<HeldImages> ImageStore::load(std::uint64_t number) {
  for (const Entry& entry : entries()) {
    if (entry.number == number) return load(entry);
  }
  return fail(Errc::not_found,
              "the rules of generation " + std::to_string(number) + " are not kept any more");
}

Result<HeldImages> ImageStore::load(const Entry& entry) {
  HeldImages images;
  const std::uint64_t whole = entry.ground == 0 ? entry.number : entry.ground;
  for (const Known& known : known_) {
    if (known.number == whole && !known.has_overlay) images.ground.image = known.ground.lock();
  }
  if (!images.ground.image) images.ground = POSTERN_TRY(read_image(path({whole, 0})));
  note(whole, {images.ground, {}});
  if (entry.ground == 0) return images;
  images.overlay = POSTERN_TRY(read_image(path(entry)));
  note(entry.number, images);
  return images;
}

void ImageStore::note(std::uint64_t number, const HeldImages& images) {
  std::erase_if(
      known_, [&](const Known& known) { return known.number == number || known.ground.expired(); });
  known_.push_back(
      {number, images.ground.image, images.overlay.image, images.overlay.image != nullptr});
}

Result<void> ImageStore::save(std::uint64_t number, const HeldImages& images) {
  std::error_code error;
  std::filesystem::create_directories(folder_, error);
  if (error) return Unexpected<Error>(system_error("make " + folder_, error.value()));
  Entry entry{number, 0};
  if (images.overlay.image) {
    const auto ground = entry_of(*images.ground.image);
    if (!ground) return fail(Errc::not_found, "what most of them are in is not there any more");
    entry.ground = ground->number;
  }
  POSTERN_CHECK(replace_with(path(entry), images.overlay.image ? images.overlay : images.ground));
  note(number, images);
  remove_old(entry);
  return {};
}

/// The file that has that image and no other.
std::optional<ImageStore::Entry> ImageStore::entry_of(const policy::RuleImage& ground) const {
  for (const Known& known : known_) {
    if (known.ground.lock().get() != &ground || known.has_overlay) continue;
    const Entry entry{known.number, 0};
    if (stamp_of(path(entry))) return entry;
  }
  return std::nullopt;
}

bool ImageStore::is_kept(const policy::RuleImage& ground) const {
  return entry_of(ground).has_value();
}

bool ImageStore::are_newest(const HeldImages& images) const {
  const std::vector<Entry> kept = entries();
  return !kept.empty() && std::ranges::any_of(known_, [&](const Known& known) {
    return known.number == kept.front().number && known.ground.lock() == images.ground.image &&
           known.has_overlay == (images.overlay.image != nullptr) &&
           known.overlay.lock() == images.overlay.image;
  });
}

std::optional<std::uint64_t> ImageStore::number_at(WallTime at) const {
  for (const Entry& entry : entries()) {
    const auto stamp = stamp_of(path(entry));
    if (stamp && WallTime(microseconds(stamp->modified_ns / 1000)) <= at) return entry.number;
  }
  return std::nullopt;
}

void ImageStore::remove_old(const Entry& newest) const {
  std::vector<Entry> kept = {newest};
  std::vector<Entry> others;
  for (const Entry& entry : entries()) {
    if (entry.number == newest.number) continue;
    const bool is_needed = std::ranges::find(needed_, entry.number) != needed_.end();
    (is_needed || kept.size() < kKept ? kept : others).push_back(entry);
  }
  for (const Entry& entry : others) {
    if (std::ranges::find(kept, entry.number, &Entry::ground) != kept.end()) continue;
    std::error_code error;
    std::filesystem::remove(path(entry), error);  // Failing to is no harm.
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
    if (entry_in(rest) || rest.ends_with(".feed") || rest.ends_with(".meta")) {
      std::filesystem::remove(at->path(), ignored);
    }
  }
}

}  // namespace postern::feeds
