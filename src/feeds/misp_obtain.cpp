#include "feeds/misp_obtain.h"

#include <utility>

#include <fmt/format.h>

#include "feeds/builder.h"
#include "feeds/clocks.h"
#include "feeds/digest.h"
#include "feeds/files.h"
#include "feeds/store.h"
#include "intel/misp_events.h"

namespace postern::feeds {
namespace {

constexpr seconds kLongestPoll{1800};
constexpr std::string_view kManifest = "manifest.json";
/// A server that fails so often in a row is asked no more in this poll.
constexpr std::size_t kFailuresInARow = 5;

/// Without query and fragment.
std::string_view path_of(std::string_view url) {
  return url.substr(0, url.find_first_of("?#"));
}

/// One poll of a folder.
class FolderPoll {
 public:
  FolderPoll(const Job& job, std::string folder, const std::atomic<bool>& cancelled)
      : job_(job),
        folder_(std::move(folder)),
        cancelled_(cancelled),
        end_(mono_now() + kLongestPoll),
        events_(job.max_octets) {}

  Result<void> run() {
    const std::string text = POSTERN_TRY(get(kManifest, intel::kMaxMispManifestOctets));
    const intel::MispManifest manifest = POSTERN_TRY(intel::read_misp_manifest(text));
    unread_ = manifest.unread;
    load();
    is_news_ = events_.keep_only(manifest.events) > 0 || !job_.stored;
    for (const intel::MispEventVersion& version : manifest.events) {
      if (events_.has(version)) continue;
      if (mono_now() > end_ || failures_in_a_row_ >= kFailuresInARow) {
        ++left_;
      } else {
        POSTERN_CHECK(fetch_event(version));
      }
    }
    if (fetched_ == 0 && failed_ > 0 && events_.size() == 0) return Unexpected(std::move(first_));
    return {};
  }

  bool is_news() const { return is_news_; }
  std::string text() const { return events_.to_text(); }
  /// For the log.
  std::string report() const {
    std::string out =
        fmt::format("{} events in the folder, {} of them fetched", events_.size(), fetched_);
    if (failed_ > 0) {
      out += fmt::format("; {} cannot be had and are asked for again (the first: {})", failed_,
                         first_.text);
    }
    if (left_ > 0) out += fmt::format("; {} are left for the next poll", left_);
    if (unread_ > 0) {
      out += fmt::format("; {} entries of the manifest name no event", unread_);
    }
    return out;
  }

 private:
  Result<std::string> get(std::string_view name, std::size_t max_octets) {
    FetchRequest request;
    request.url = POSTERN_TRY(url_within(folder_, std::string(name)));
    request.max_octets = max_octets;
    request.timeout = job_.timeout;
    HttpAnswer answer = POSTERN_TRY(http_get(request, cancelled_));
    if (answer.status == 200) return std::move(answer.body);
    const Errc code = answer.status == 401 || answer.status == 403   ? Errc::denied
                      : answer.status == 404 || answer.status == 410 ? Errc::not_found
                                                                     : Errc::unavailable;
    return fail(code, fmt::format("{}: the server answered {}", name, answer.status));
  }

  /// What is known of the folder; nothing where the copy is lost, and all is fetched anew.
  void load() {
    if (!job_.stored) return;
    const CopyStore store(job_.stored->folder);
    const auto copy = store.load(job_.feed, job_.stored->source, job_.max_octets);
    if (!copy || copy->facts.sha256 != job_.stored->sha256) return;
    const auto mapping = Mapping::of(copy->text);
    if (!mapping || !events_.take_lines(text_of((*mapping)->octets()))) {
      events_.keep_only({});
    }
  }

  /// Errors: those that end the poll.
  Result<void> fetch_event(const intel::MispEventVersion& version) {
    auto text = get(version.uuid + ".json", intel::MispEvents::kMaxEventOctets);
    if (cancelled_.load(std::memory_order_relaxed)) return fail(Errc::unavailable, "stopped");
    auto taken = text ? events_.take(version, *text) : Result<void>(Unexpected(text.error()));
    if (taken) {
      ++fetched_;
      failures_in_a_row_ = 0;
      is_news_ = true;
      return {};
    }
    if (taken.error().code == Errc::limit_exceeded && text) return taken;
    if (failed_++ == 0) first_ = std::move(taken).error().context(version.uuid + ".json");
    failures_in_a_row_ += text ? 0 : 1;
    return {};
  }

  const Job& job_;
  const std::string folder_;
  const std::atomic<bool>& cancelled_;
  const MonoTime end_;
  intel::MispEvents events_;
  bool is_news_ = false;
  std::size_t fetched_ = 0, failed_ = 0, left_ = 0, unread_ = 0, failures_in_a_row_ = 0;
  Error first_{Errc::unavailable, ""};
};

}  // namespace

bool is_misp_folder(intel::Format format, std::string_view url) {
  const std::string_view path = path_of(url);
  return format == intel::Format::misp &&
         (path.ends_with('/') || path.ends_with("/" + std::string(kManifest)));
}

Result<Obtained> obtain_misp_folder(const Job& job, const std::string& url,
                                    const std::atomic<bool>& cancelled, const Hands& hands) {
  const std::string_view path = path_of(url);
  FolderPoll poll(job, std::string(path.substr(0, path.rfind('/') + 1)), cancelled);
  POSTERN_CHECK(poll.run());
  Obtained obtained;
  obtained.fetched_from = sha256_hex(url);
  if (!poll.is_news()) {
    obtained.not_modified = true;
    return obtained;
  }
  obtained.text = POSTERN_TRY(SharedMemory::of(octets_of(poll.text())));
  obtained.content = POSTERN_TRY(hands.builder.read(*obtained.text, job.format, Origin::primary));
  obtained.how = poll.report();
  return obtained;
}

}  // namespace postern::feeds
