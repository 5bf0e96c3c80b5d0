#include "feeds/keeper.h"

#include <algorithm>
#include <ranges>
#include <thread>
#include <utility>

#include "feeds/builder.h"
#include "feeds/digest.h"
#include "feeds/image_source.h"
#include "feeds/schedule.h"
#include "feeds/transfer_keeper.h"
#include "feeds/unpack.h"

namespace postern::feeds {
namespace {

// SplitMix64 (public domain, S. Vigna): well mixed, for jitter and keys made of one seed.
std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15;
  std::uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return mixed ^ (mixed >> 31);
}

bool is_file(const Source& source) {
  return source.text.empty() && !source.path.empty();
}

bool reads_alike(const intel::FeedOptions& a, const intel::FeedOptions& b) {
  return a.format == b.format && a.scope == b.scope && a.allow == b.allow && a.origin == b.origin &&
         a.csv.column == b.csv.column && a.csv.separator == b.csv.separator &&
         a.csv.has_header == b.csv.has_header && a.json.field == b.json.field &&
         a.json.removed == b.json.removed && a.url_hosts == b.url_hosts &&
         a.min_confidence == b.min_confidence && a.max_rules == b.max_rules &&
         a.lint.skips_shared == b.lint.skips_shared && a.lint.forced == b.lint.forced &&
         a.lint.own_domains == b.lint.own_domains;
}

// True where the content of one is the content of the other: the zone's options may differ.
bool same_content(const Source& a, const Source& b) {
  return a.text == b.text && a.path == b.path && a.url == b.url && a.mirrors == b.mirrors &&
         a.transfer == b.transfer && a.taxii == b.taxii && a.max_octets == b.max_octets &&
         a.zone.votes == b.zone.votes && reads_alike(a.format, b.format);
}

std::optional<FileStamp> found_stamp(const std::string& path) {
  const auto stamp = stamp_of(path);
  return stamp ? std::optional(*stamp) : std::nullopt;
}

// True where the local file is the one that was looked at last, whatever came of that.
bool is_as_read(const FeedState& feed) {
  return found_stamp(feed.source.path) == feed.stamp;
}

void erase_unread(std::vector<std::shared_ptr<const policy::Generation>>& generations) {
  std::erase_if(generations, [](const auto& generation) { return generation.use_count() == 1; });
}

std::string place_of(const Source& source) {
  if (source.transfer) return shown_transfer(*source.transfer);
  if (source.taxii) return shown_taxii(*source.taxii);
  if (is_remote(source)) return shown_url(source.url);
  if (source.zone.votes) return "votes";
  return is_file(source) ? source.path : "built in";
}

}  // namespace

Keeper::Keeper(Options options, Published<policy::Generation>& target, Hands hands, Log& log)
    : options_(std::move(options)),
      target_(target),
      hands_(hands),
      log_(log),
      store_(options_.cache_dir),
      images_(options_.cache_dir, log),
      held_store_(options_.cache_dir + "/held"),
      random_(options_.seed) {
  images_.remove_unfinished();
  const std::vector<std::uint64_t> kept = images_.numbers();
  generation_ = std::max(
      {store_.load_generation(), target_.current()->number(), kept.empty() ? 0 : kept.front()});
  for (Source& source : options_.sources) feeds_.push_back(make_state(source));
}

FeedState Keeper::make_state(Source source) {
  FeedState feed;
  feed.digest = source_digest(source);
  feed.status.name = source.zone.name;
  feed.status.format = source.zone.votes ? "votes" : intel::to_string(source.format.format);
  feed.status.source = place_of(source);
  feed.source = std::move(source);
  if (feed.source.transfer) begin_timers(feed, options_.first_retry);
  feed.held = held_store_.load(feed.status.name, feed.digest);
  forget_canary(feed);
  if (feed.held) feed.held->is_to_be_judged = true;  // Perhaps by other rules than when it came.
  if (feed.held && !feed.held->report.empty()) {
    feed.report = std::make_shared<const std::string>(feed.held->report);
  }
  show_held(feed);
  return feed;
}

FeedState* Keeper::find(const std::string& name) {
  const auto found = std::find_if(feeds_.begin(), feeds_.end(),
                                  [&](const FeedState& f) { return f.status.name == name; });
  return found == feeds_.end() ? nullptr : &*found;
}

void Keeper::load_all(const Now& now) {
  is_loading_ = true;
  for (FeedState& feed : feeds_) {
    if (!is_remote(feed.source)) load(feed, now);
  }
  for (FeedState& feed : feeds_) {
    if (is_remote(feed.source)) load(feed, now);
  }
  is_loading_ = false;
  must_publish_ = must_publish_ || !is_restored_;
  publish(now);
}

void Keeper::load(FeedState& feed, const Now& now) {
  if (feed.source.zone.votes) {
    if (!feed.content.is_there() || feed.content.is_of_old_source) {
      Content counted;
      counted.is_counted = true;
      accept(feed, {.content = std::move(counted), .is_judged = false});
    }
    succeeded(feed, now);
  } else if (is_remote(feed.source)) {
    feed.due = now.mono;
    load_last_good(feed, now);
  } else if (is_file(feed.source)) {
    read_local(feed, now);
  } else {
    feed.status.last_try = now.wall;
    if (!has_text(feed, sha256_hex(feed.source.text))) {
      auto content = hands_.builder.read(feed.source.text, feed.source.format, Origin::local);
      if (!content) return failed(feed, content.error(), now);
      accept(feed, {.content = std::move(*content), .is_judged = false});
    }
    succeeded(feed, now);
  }
}

bool Keeper::has_text(const FeedState& feed, std::string_view sha256) const {
  return feed.content.is_there() && !feed.content.is_of_old_source && !sha256.empty() &&
         feed.content.sha256 == sha256;
}

// What was good when the process ended protects again at once.
void Keeper::load_last_good(FeedState& feed, const Now& now) {
  const auto facts = store_.load_facts(feed.status.name, feed.digest);
  if (facts && has_text(feed, facts->sha256)) {
    feed.facts = *facts;
    // Without its text it is to be fetched whole, so that there is a copy again.
    if (!store_.has_text(feed.status.name, facts->sha256)) feed.facts.validators = {};
    return resume(feed, facts->checked_at, now);
  }
  auto copy = store_.load(feed.status.name, feed.digest, feed.source.max_octets);
  if (!copy) {
    if (copy.error().code != Errc::not_found) {
      log_.warning("feeds", feed.status.name + ": no last good copy: " + copy.error().text);
    }
    // A zone's time runs out all the same.
    if (feed.timers && feed.content.is_there() && !feed.content.is_of_old_source) {
      resume(feed, facts ? facts->checked_at : now.wall, now);
    }
    return;
  }
  auto content = hands_.builder.read(copy->text, feed.source.format, origin_of(feed.source));
  if (content && feed.content.is_of_old_source) {
    // The same text read in another way must not lose nearly all of its rules.
    const bool is_local = !is_remote(feed.source);
    const auto fault =
        intel::size_fault({copy->facts.rules, content->rule_count(), is_local}, options_.gate);
    if (fault) content = fail(Errc::invalid_input, "read as configured now, it " + fault->text);
  }
  if (!content) {
    log_.warning("feeds", feed.status.name + ": last good copy: " + content.error().text);
    return;
  }
  const WallTime checked_at = copy->facts.checked_at;
  accept(feed,
         {.content = std::move(*content), .facts = std::move(copy->facts), .is_judged = false});
  resume(feed, checked_at, now);
}

// With a copy that was last known to be the newest then.
void Keeper::resume(FeedState& feed, WallTime checked_at, const Now& now) {
  feed.status.last_success = checked_at;
  feed.status.last_error.clear();
  const microseconds age = std::max(now.wall - checked_at, microseconds(0));
  const microseconds refresh = feed.source.refresh;
  feed.status.health = age < 2 * refresh ? intel::Health::good : intel::Health::stale;
  show_held(feed);
  if (feed.timers) return restore_timers(feed, checked_at, now);
  const microseconds wait = age >= refresh ? microseconds(0) : refresh - age;
  feed.due = now.mono + wait;
  feed.status.next_try = now.wall + wait;
}

void Keeper::read_local(FeedState& feed, const Now& now) {
  feed.is_wanted = false;
  feed.status.last_try = now.wall;
  const auto done = read_file_of(feed, now);
  if (done) return succeeded(feed, now);
  if (!feed.content.is_there()) load_last_good(feed, now);
  failed(feed, done.error(), now);
}

Result<void> Keeper::read_file_of(FeedState& feed, const Now& now) {
  const Source& source = feed.source;
  feed.stamp = found_stamp(source.path);
  if (is_loading_ && feed.stamp && feed.stamp == feed.content.stamp &&
      has_text(feed, feed.content.sha256)) {
    return {};
  }
  const bool accepts_any_size = take_acceptance(feed);
  FileMemory file = POSTERN_TRY(read_into_memory(source.path, source.max_octets));
  feed.stamp = file.stamp;
  UnpackTurns::Turn turn;
  if (is_packed(file.text)) turn = hands_.turns.take_beside_held();
  SharedMemory text = POSTERN_TRY(unpack(std::move(file.text), source.max_octets));
  turn.unpacked(POSTERN_TRY(text.size()));
  Content content = POSTERN_TRY(hands_.builder.read(text, source.format, Origin::local));
  content.stamp = feed.stamp;
  CopyFacts facts{feed.digest, "", {}, content.sha256, now.wall, content.rule_count()};
  accept(feed, {.content = std::move(content),
                .facts = std::move(facts),
                .text = std::move(text),
                .turn = std::move(turn),
                .accepts_any_size = accepts_any_size});
  return {};
}

// Of what is in force, or was when the program ended, or before the feed was read differently.
std::uint64_t Keeper::rules_before(const FeedState& feed) const {
  if (feed.content.is_there() && !feed.content.is_of_old_source) return feed.content.rule_count();
  const auto facts = store_.load_facts(feed.status.name, feed.digest);
  return facts ? facts->rules : 0;
}

// Whether the next try takes any number of rules: once, where that was asked for.
bool Keeper::take_acceptance(FeedState& feed) {
  if (std::exchange(feed.acceptance, Acceptance::checked) == Acceptance::checked) return false;
  log_.warning("feeds", feed.status.name +
                            ": this once any number of rules is taken, as was asked for; "
                            "there were " +
                            std::to_string(rules_before(feed)));
  return true;
}

Result<void> Keeper::reconfigure(Options options, const Now& now) {
  publish(now);  // What is under way belongs to the old options.
  Options old_options = std::exchange(options_, std::move(options));
  std::vector<FeedState> old_feeds = std::exchange(feeds_, {});
  const CopyStore old_store = std::exchange(store_, CopyStore(options_.cache_dir));
  const HeldStore old_held = std::exchange(held_store_, HeldStore(options_.cache_dir + "/held"));
  const ImageStore old_images = images_;
  if (options_.cache_dir != old_options.cache_dir) images_ = ImageStore(options_.cache_dir, log_);
  for (const Source& source : options_.sources) {
    FeedState feed = make_state(source);
    const auto old = std::find_if(old_feeds.begin(), old_feeds.end(), [&](const FeedState& f) {
      return f.source.zone.name == source.zone.name;
    });
    if (old == old_feeds.end()) {
      load(feed, now);
    } else if (!same_content(old->source, source)) {
      inherit(feed, *old);
      load(feed, now);
    } else {
      feed = *old;
      feed.source = source;
      if (old->source.refresh != source.refresh && feed.due && !feed.fetching) schedule(feed, now);
    }
    if (forget_canary(feed)) {  // It is to come again, and not only if it has changed.
      feed.due = now.mono;
      feed.stamp.reset();
      feed.fetching.reset();
    }
    if (feed.held) feed.held->is_to_be_judged = true;  // By other rules, perhaps.
    feeds_.push_back(std::move(feed));
  }
  is_frame_new_ = true;
  auto done = compile_and_publish(now);
  if (!done) {
    is_frame_new_ = false;
    log_.error("feeds", "the new policy cannot be built, the old one stays: " + done.error().text);
    options_ = std::move(old_options);
    feeds_ = std::move(old_feeds);
    store_ = old_store;
    held_store_ = old_held;
    images_ = old_images;
    changes_.clear();
    must_publish_ = false;
    return done;
  }
  stop_watching();
  return done;
}

// A mistake in the new source must not take away what protects now.
void Keeper::inherit(FeedState& feed, const FeedState& old) {
  if (!old.content.is_there()) return;
  feed.content = old.content;
  feed.content.is_of_old_source = true;
  feed.status.health = intel::Health::stale;
  feed.status.last_success = old.status.last_success;
  feed.status.rules = old.status.rules;
  feed.status.lines_skipped = old.status.lines_skipped;
  feed.status.first_skipped = old.status.first_skipped;
  feed.status.generation = old.status.generation;
  feed.status.last_error = "the new source is not read yet; the rules of the old one stay in force";
}

void Keeper::want(const std::string& name, Acceptance acceptance, const Now& now) {
  for (FeedState& feed : feeds_) {
    if ((!name.empty() && feed.status.name != name) || !feed.due) continue;
    feed.due = now.mono;
    feed.is_wanted = true;
    if (acceptance == Acceptance::any_size) feed.acceptance = acceptance;
  }
}

void Keeper::file_changed(const std::string& path, const Now& now) {
  for (FeedState& feed : feeds_) {
    if (is_file(feed.source) && feed.source.path == path) read_local(feed, now);
  }
}

void Keeper::look_at_files(const Now& now) {
  for (FeedState& feed : feeds_) {
    if (is_file(feed.source) && !is_as_read(feed)) read_local(feed, now);
  }
}

std::vector<std::string> Keeper::changed_files() const {
  std::vector<std::string> paths;
  for (const FeedState& feed : feeds_) {
    if (is_file(feed.source) && !is_as_read(feed)) paths.push_back(feed.source.path);
  }
  return paths;
}

std::vector<Job> Keeper::take_due(const Now& now) {
  expire_old(now);
  check_validity(now);
  std::vector<Job> jobs;
  for (FeedState& feed : feeds_) {
    if (!feed.due || *feed.due > now.mono || feed.fetching) continue;
    if (is_remote(feed.source)) {
      jobs.push_back(job_of(feed, now));
      continue;
    }
    if (!is_file(feed.source)) {  // It has failed, for want of memory perhaps.
      load(feed, now);
      continue;
    }
    // Not every change is told of: the folder may be on a network.
    if (is_as_read(feed) && !feed.is_wanted && feed.failures_in_row == 0) {
      schedule(feed, now);
    } else {
      read_local(feed, now);
    }
  }
  return jobs;
}

Job Keeper::job_of(FeedState& feed, const Now& now) {
  const bool is_wanted = std::exchange(feed.is_wanted, false);
  feed.fetching = ++last_ticket_;
  Job job;
  job.ticket = last_ticket_;
  job.feed = feed.status.name;
  feed.accepts_any_size = take_acceptance(feed);
  job.urls.push_back(feed.source.url);
  job.urls.insert(job.urls.end(), feed.source.mirrors.begin(), feed.source.mirrors.end());
  const CopyFacts& known = knows_held(feed) ? feed.held->facts : feed.facts;
  job.fetched_from = known.fetched_from;
  job.validators = known.validators;
  job.format = feed.source.format;
  job.max_octets = feed.source.max_octets;
  job.timeout = feed.source.fetch_timeout;
  if (feed.content.is_there() && !feed.content.is_of_old_source) {
    job.stored = StoredCopy{options_.cache_dir, feed.digest, feed.content.sha256};
  }
  if (feed.source.taxii) {
    const TaxiiSource& source = *feed.source.taxii;
    const microseconds age = now.wall - feed.facts.taxii.whole_at;
    job.taxii = {source, feed.facts.taxii, is_wanted || age >= source.whole_every};
  }
  if (!feed.timers) return job;
  feed.timers->began(now.mono);
  job.transfer = request_of(feed);
  job.transfer->may_go_back = is_wanted;
  return job;
}

/// Of what is held there is no need to hear again, unless it may now pass, or another text came
/// after it.
bool Keeper::knows_held(const FeedState& feed) {
  return feed.held && !feed.accepts_any_size && !feed.held->is_to_be_judged &&
         feed.held->facts.checked_at >= feed.facts.checked_at;
}

void Keeper::take(Outcome outcome, const Now& now) {
  FeedState* feed = find(outcome.name);
  if (feed == nullptr || feed->fetching != outcome.ticket) return;  // Reconfigured meanwhile.
  feed->fetching.reset();
  feed->status.last_try = now.wall;
  if (!outcome.obtained) {
    failed(*feed, outcome.obtained.error(), now);
    return postpone(*feed, outcome.postponed, now);
  }
  Obtained& obtained = *outcome.obtained;
  if (feed->timers && obtained.soa) feed->timers->succeeded(*obtained.soa, now.mono, chance());
  if (obtained.not_modified) {
    if (obtained.content.zone) feed->content.zone = std::move(obtained.content.zone);
    if (obtained.taxii) feed->facts.taxii = *obtained.taxii;
    // A zone that has not changed is the one in force, not the one that is held.
    if (feed->timers || !knows_held(*feed)) {
      drop_waiting(*feed, "its source has taken it back");
      feed->facts.checked_at = now.wall;
      save_facts(*feed);
    }
  } else {
    if (!obtained.how.empty()) log_.info("feeds", outcome.name + ": " + obtained.how);
    CopyFacts facts{feed->digest,
                    std::move(obtained.fetched_from),
                    std::move(obtained.validators),
                    obtained.content.sha256,
                    now.wall,
                    obtained.content.rule_count(),
                    obtained.taxii.value_or(TaxiiMark{})};
    accept(*feed, {.content = std::move(obtained.content),
                   .facts = std::move(facts),
                   .text = std::move(obtained.text),
                   .turn = std::move(obtained.turn),
                   .accepts_any_size = std::exchange(feed->accepts_any_size, false)});
  }
  succeeded(*feed, now);
}

void Keeper::accept(FeedState& feed, Arrival arrival) {
  Content& content = arrival.content;
  if (feed.content.is_there() && !feed.content.is_of_old_source &&
      content.sha256 == feed.content.sha256) {
    drop_waiting(feed, "the feed has again the rules that are in force");
    feed.content.zone = std::move(content.zone);
    feed.content.stamp = content.stamp;
    feed.facts = std::move(arrival.facts);
    if (arrival.text) save_copy(feed, *arrival.text);
    return;
  }
  if (is_held_already(feed, arrival)) return;
  changes_.push_back({.name = feed.status.name,
                      .before = std::exchange(feed.content, std::move(content)),
                      .facts_before = std::exchange(feed.facts, std::move(arrival.facts)),
                      .text = std::move(arrival.text),
                      .turn = std::move(arrival.turn),
                      .is_judged = arrival.is_judged,
                      .accepts_any_size = arrival.accepts_any_size,
                      .is_tried = arrival.is_tried});
  must_publish_ = true;
}

void Keeper::succeeded(FeedState& feed, const Now& now) {
  if (feed.failures_in_row > 0) log_.info("feeds", feed.status.name + ": good again");
  feed.failures_in_row = 0;
  feed.is_expired = false;
  feed.status.health = intel::Health::good;
  feed.status.last_success = now.wall;
  feed.status.last_error.clear();
  show_held(feed);
  if (is_remote(feed.source) || is_file(feed.source)) return schedule(feed, now);
  feed.due.reset();  // What is built in does not change.
}

void Keeper::failed(FeedState& feed, const Error& reason, const Now& now) {
  ++feed.failures;
  ++feed.failures_in_row;
  if (feed.timers) feed.timers->failed(now.mono, chance());
  const Error error{reason.code,
                    feed.is_expired ? expired_text(feed) + "; " + reason.text : reason.text};
  feed.status.health = feed.content.is_there() ? intel::Health::stale : intel::Health::failed;
  if (feed.status.last_error != error.text) {  // The same again and again is said once.
    log_.warning("feeds", feed.status.name + ": " + error.text +
                              (feed.content.is_there() ? "; the last good copy stays in force"
                                                       : "; this feed protects nobody yet"));
  }
  feed.status.last_error = error.text;
  schedule(feed, now);
}

void Keeper::schedule(FeedState& feed, const Now& now) {
  // Asked for while another try was under way.
  if (feed.is_wanted || feed.acceptance == Acceptance::any_size) {
    feed.due = now.mono;
    feed.status.next_try = now.wall;
    return;
  }
  if (feed.timers) {
    feed.due = feed.timers->next_try();
    feed.status.next_try = now.wall + (*feed.due - now.mono);
    return;
  }
  const Rhythm rhythm{feed.source.refresh, options_.first_retry};
  const microseconds wait = until_next_try(rhythm, feed.failures_in_row, chance());
  feed.due = now.mono + wait;
  feed.status.next_try = now.wall + wait;
}

// A server that asks for patience is not asked again before.
void Keeper::postpone(FeedState& feed, const Postponed& postponed, const Now& now) {
  constexpr seconds kLongest{86'400};
  const MonoTime not_before = now.mono + std::min(postponed.retry_after, kLongest);
  if (!feed.due || *feed.due >= not_before) return;
  feed.due = not_before;
  feed.status.next_try = now.wall + (not_before - now.mono);
}

void Keeper::publish(const Now& now) {
  if (!must_publish_) return;
  const auto done = compile_and_publish(now);
  if (done) return;
  must_publish_ = false;
  log_.error("feeds",
             "the new generation cannot be built, the old one stays: " + done.error().text);
  // Backwards: of two changes of one feed the first has what was in force.
  for (Change& change : std::views::reverse(changes_)) {
    FeedState* feed = find(change.name);
    if (feed == nullptr) continue;
    feed->content = std::move(change.before);
    feed->facts = std::move(change.facts_before);
    failed(*feed, done.error(), now);
  }
  changes_.clear();
  give_up_unbuilt_canaries(done.error(), now);
}

void Keeper::free_retired(const Now& now) {
  if (retired_.empty()) return settle();  // At a start, and where the workers were quick.
  if (now.mono < look_at_retired_) return;
  erase_unread(retired_);
  look_at_retired_ = now.mono + kRetiredCheck;
  if (retired_.empty()) settle();
}

void Keeper::await_hand_over() {
  for (Change& change : changes_) change.before = {};  // It is not coming back.
  erase_unread(retired_);
  for (milliseconds waited{0}; !retired_.empty() && waited < kHandOver; ++waited) {
    std::this_thread::sleep_for(milliseconds(1));  // Nobody says that he has read the last of it.
    erase_unread(retired_);
  }
}

void Keeper::keep_copies() {
  for (const Change& change : changes_) {
    FeedState* feed = find(change.name);
    if (feed == nullptr) continue;
    feed->status.rules = feed->content.rule_count();
    feed->status.lines_skipped = feed->content.lines_skipped;
    feed->status.first_skipped = feed->content.first_skipped;
    feed->status.generation = generation_;
    if (change.text) save_copy(*feed, *change.text);
    if (!change.is_judged) continue;
    drop_held(*feed, "another one has passed");
    held_store_.remove(change.name);  // What was tried before a restart.
  }
  changes_.clear();
}

// Its text, where that is not on disk already, and what is known about it.
void Keeper::save_copy(const FeedState& feed, const SharedMemory& text) {
  if (store_.has_text(feed.status.name, feed.facts.sha256)) return save_facts(feed);
  if (const auto saved = store_.save(feed.status.name, feed.facts, text); !saved) {
    log_.warning("feeds", feed.status.name +
                              ": the copy is in force but not kept on disk: " + saved.error().text);
  }
}

void Keeper::save_facts(const FeedState& feed) {
  if (const auto saved = store_.save_facts(feed.status.name, feed.facts); !saved) {
    log_.warning("feeds", feed.status.name + ": " + saved.error().text);
  }
}

std::optional<MonoTime> Keeper::next_due() const {
  std::optional<MonoTime> next;
  const auto consider = [&next](MonoTime at) { next = next ? std::min(*next, at) : at; };
  for (const FeedState& feed : feeds_) {
    const auto expiry = expires_at(feed);
    if (expiry) consider(*expiry);
    if (feed.due && !feed.fetching) consider(*feed.due);
    if (feed.canary) consider(feed.canary->until);
  }
  if (!retired_.empty()) consider(look_at_retired_);
  if (watch_) consider(watch_->look_at);
  if (validity_due_) consider(*validity_due_);
  return next;
}

std::vector<std::string> Keeper::paths() const {
  std::vector<std::string> paths;
  for (const FeedState& feed : feeds_) {
    if (is_file(feed.source)) paths.push_back(feed.source.path);
  }
  return paths;
}

std::uint64_t Keeper::next_key() {
  return next_random(random_);
}

double Keeper::chance() {
  return static_cast<double>(next_random(random_) >> 11) * 0x1p-53;
}

}  // namespace postern::feeds
