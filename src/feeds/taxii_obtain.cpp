// From a TAXII collection to rules: what is new in it is put into the copy on disk, which is read
// like any STIX feed. A poll that ends half-way changes nothing.
#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "feeds/builder.h"
#include "feeds/clocks.h"
#include "feeds/files.h"
#include "feeds/obtain.h"
#include "feeds/store.h"
#include "intel/stix_objects.h"

namespace postern::feeds {
namespace {

constexpr seconds kLongestPoll{1800};  // So that no server holds a download's thread for ever.
// What a server asks to wait for is waited for in the midst of a poll up to here, so often.
constexpr seconds kLongestWait{30};
constexpr int kWaits = 10;

Result<HttpCredentials> credentials_of(const TaxiiSource& source) {
  HttpCredentials credentials;
  credentials.user = source.user;
  if (!source.password_file.empty()) {
    credentials.password = POSTERN_TRY(read_secret(source.password_file));
  }
  if (!source.token_file.empty()) credentials.token = POSTERN_TRY(read_secret(source.token_file));
  return credentials;
}

/// Asks a server, as patiently as it wants.
class TaxiiClient {
 public:
  TaxiiClient(const Job& job, HttpCredentials credentials, const std::atomic<bool>& cancelled,
              Postponed& postponed)
      : cancelled_(cancelled), postponed_(postponed), end_(mono_now() + kLongestPoll) {
    request_.accept = "application/taxii+json;version=2.1";
    request_.credentials = std::move(credentials);
    request_.tls_ca_file = job.taxii->source.tls_ca_file;
    request_.wanted_header = "X-TAXII-Date-Added-Last";
    request_.max_octets = TaxiiLimits{}.page_octets;
    request_.timeout = job.timeout;
  }

  Result<TaxiiReply> get(const std::string& url) {
    for (;;) {
      if (mono_now() > end_) {
        return fail(Errc::timed_out, fmt::format("the poll took over {} s", kLongestPoll.count()));
      }
      request_.url = url;
      HttpAnswer answer = POSTERN_TRY(http_get(request_, cancelled_));
      const bool asks_to_wait = answer.status == 429 || answer.status == 503;
      if (!asks_to_wait || !wait(answer.retry_after)) {
        if (asks_to_wait) postponed_.retry_after = answer.retry_after;
        return TaxiiReply{answer.status, std::move(answer.content_type), std::move(answer.header),
                          std::move(answer.body)};
      }
    }
  }

 private:
  // False: that is too long to wait for here.
  bool wait(seconds time) {
    if (time <= seconds(0) || time > kLongestWait || ++waits_ > kWaits) return false;
    const MonoTime until = mono_now() + time;
    while (mono_now() < until && !cancelled_.load(std::memory_order_relaxed)) {
      // In steps, so that the end of the program is not waited for.
      std::this_thread::sleep_for(milliseconds(50));
    }
    return true;
  }

  const std::atomic<bool>& cancelled_;
  Postponed& postponed_;
  const MonoTime end_;
  FetchRequest request_;
  int waits_ = 0;
};

/// The collection's objects as they are known: on disk, until there is something new.
class Collection {
 public:
  Collection(const Job& job, bool is_whole)
      : job_(job), objects_(job.max_octets), is_loaded_(is_whole) {}

  Result<void> take(std::string_view object) {
    if (!is_loaded_ && !objects_.is_of_use(object)) return {};
    if (!is_loaded_) POSTERN_CHECK(load());
    return objects_.take(object);
  }
  /// Whether there is anything but what is on disk.
  bool is_news() const { return is_loaded_; }
  const intel::StixObjects& objects() const { return objects_; }

 private:
  Result<void> load() {
    is_loaded_ = true;
    const CopyStore store(job_.stored->folder);
    const auto copy = store.load(job_.feed, job_.stored->source, job_.max_octets);
    if (!copy || copy->facts.sha256 != job_.stored->sha256) {
      return fail(Errc::corrupt, "the copy on disk is not the one in force");
    }
    const auto mapping = POSTERN_TRY(Mapping::of(copy->text));
    return objects_.take_lines(text_of(mapping->octets()));
  }

  const Job& job_;
  intel::StixObjects objects_;
  bool is_loaded_;
};

Result<Obtained> poll(const Job& job, TaxiiClient& client, const Hands& hands, bool is_whole) {
  const TaxiiRequest& request = *job.taxii;
  Collection collection(job, is_whole);
  TaxiiPoll conversation(request.source, {},
                         [&](const std::string& url) { return client.get(url); });
  const WallTime began =
      std::chrono::time_point_cast<microseconds>(std::chrono::system_clock::now());
  Obtained obtained;
  obtained.taxii.emplace();
  obtained.taxii->added_after = POSTERN_TRY(
      conversation.run(is_whole ? "" : request.mark.added_after,
                       [&](std::string_view object) { return collection.take(object); }));
  obtained.taxii->whole_at = is_whole ? began : request.mark.whole_at;
  if (!collection.is_news()) {
    obtained.not_modified = true;
    return obtained;
  }
  obtained.text = POSTERN_TRY(SharedMemory::of(octets_of(collection.objects().to_text())));
  obtained.content = POSTERN_TRY(hands.builder.read(*obtained.text, job.format, Origin::primary));
  obtained.how = fmt::format("{} objects in the collection{}", collection.objects().size(),
                             is_whole ? ", all fetched" : "");
  return obtained;
}

}  // namespace

Result<Obtained> obtain_collection(const Job& job, const std::atomic<bool>& cancelled,
                                   const Hands& hands, Postponed& postponed) {
  const TaxiiRequest& request = *job.taxii;
  TaxiiClient client(job, POSTERN_TRY(credentials_of(request.source)), cancelled, postponed);
  if (!request.is_whole && job.stored && !request.mark.added_after.empty()) {
    auto obtained = poll(job, client, hands, false);
    // Where the copy on disk is lost, all of it is fetched anew.
    if (obtained || obtained.error().code != Errc::corrupt) return obtained;
  }
  return poll(job, client, hands, true);
}

}  // namespace postern::feeds
