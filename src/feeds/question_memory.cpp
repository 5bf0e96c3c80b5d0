#include "feeds/question_memory.h"

#include <charconv>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "base/bounded_queue.h"
#include "base/guarded.h"
#include "base/thread.h"
#include "event/answer_trail.h"
#include "event/block_rates.h"
#include "event/question_table.h"
#include "feeds/digest.h"
#include "feeds/files.h"
#include "policy/in_force.h"

namespace postern::feeds {
namespace {

using event::BlockRates;
using event::QuestionTable;

/// Between the workers and the thread that remembers: 6 MB.
constexpr std::size_t kQueue = 16'384;
/// The same of answers that the resolver has found: 1.2 MB.
constexpr std::size_t kLearntQueue = 2048;
constexpr milliseconds kBusyPause{20}, kIdlePause{100};
/// So that whoever walks the table is not kept waiting for long.
constexpr std::size_t kBatch = 1024;
/// A million names, four times over: a larger file is none of ours.
constexpr std::uint64_t kMaxFileOctets = std::uint64_t{4} << 30;
constexpr std::uint64_t kMaxRatesOctets = 1U << 20;  ///< BlockRates::kMaxGroups, a line each.
constexpr std::string_view kFirstWord = "postern-questions-1 ";
constexpr std::size_t kDigestDigits = 64, kKeyDigits = 16;

struct Asked {
  dns::Name name;
  event::ShortText<32> group;
  event::ShortText<32> zone;  ///< That blocked it.
  std::uint64_t client = 0;
  WallTime at{};
  std::uint64_t generation = 0;
  bool is_answered = false;
  bool is_blocked = false;
  bool is_by_lists = false;  ///< It counts for the group's rate.
};

/// Where an answer led.
struct Learnt {
  dns::Name name;
  event::AnswerTrail trail;
};

/// MurmurHash3's finaliser (public domain, A. Appleby) over the key and each half of the address.
std::uint64_t mix(std::uint64_t value) {
  value = (value ^ (value >> 33)) * 0xff51afd7ed558ccd;
  value = (value ^ (value >> 33)) * 0xc4ceb9fe1a85ec53;
  return value ^ (value >> 33);
}
std::uint64_t hash_client(const IpAddress& client, std::uint64_t key) {
  std::uint64_t hash = mix(key);
  std::uint64_t part = 0;
  unsigned filled = 0;
  for (const std::uint8_t octet : client.octets()) {
    part = part << 8 | octet;
    if (++filled % 4 == 0) hash = mix(hash ^ std::exchange(part, 0)) + key;
  }
  return hash;
}

std::uint16_t day_of(WallTime at) {
  const auto days = std::chrono::floor<std::chrono::days>(at).time_since_epoch().count();
  return static_cast<std::uint16_t>(days < 0 ? 0 : days > 65'535 ? 65'535 : days);
}

bool is_answered(const event::Query& query) {
  using enum event::Disposition;
  return query.rcode == dns::Rcode::noerror &&
         (query.disposition == answered || query.disposition == allowed ||
          query.disposition == observed);
}

/// "postern-questions-1 KEY DIGEST\n", then the table's octets; DIGEST is of the key and of these.
std::string digest_of(std::string_view key, std::string_view body) {
  return sha256_hex(sha256_hex(key) + sha256_hex(body));
}

struct QuestionFile {
  std::uint64_t client_key = 0;
  std::string_view body;  // Of the text that it was taken from.
};

Result<QuestionFile> open_text(std::string_view text) {
  const std::size_t header = kFirstWord.size() + kKeyDigits + 1 + kDigestDigits + 1;
  if (text.size() < header || !text.starts_with(kFirstWord)) {
    return fail(Errc::corrupt, "not a memory of questions of this version");
  }
  const std::string_view key = text.substr(kFirstWord.size(), kKeyDigits);
  const std::string_view digest = text.substr(kFirstWord.size() + kKeyDigits + 1, kDigestDigits);
  QuestionFile file{0, text.substr(header)};
  const auto [end, error] =
      std::from_chars(key.data(), key.data() + key.size(), file.client_key, 16);
  if (error != std::errc() || end != key.data() + key.size() ||
      digest != digest_of(key, file.body)) {
    return fail(Errc::corrupt, "its checksum does not hold");
  }
  return file;
}

std::string file_text(std::uint64_t client_key, const QuestionTable& table) {
  char key[kKeyDigits + 1];
  std::snprintf(key, sizeof key, "%016llx", static_cast<unsigned long long>(client_key));
  const Octets body = table.encode();
  std::string text;
  text.reserve(body.size() + 128);
  text += kFirstWord;
  text += key;
  text += " ";
  text += digest_of(key, text_of(body));
  text += "\n";
  text += text_of(body);
  return text;
}

class Memory final : public QuestionMemory {
 public:
  Memory(const QuestionMemoryOptions& options, Log& log)
      : options_(options),
        log_(log),
        client_key_(options.client_key),
        queue_(kQueue),
        learnt_(kLearntQueue),
        table_(QuestionTable::Limits{options.max_names, options.days}, options.hash_key) {
    thread_ = std::jthread([this](const std::stop_token& stopping) { run(stopping); });
  }
  ~Memory() override { stop(); }

  void record(const event::Query& query) override {
    if (query.disposition == event::Disposition::refused) return;
    if (query.qclass != dns::RRClass::in || query.qname.is_root()) return;
    const bool is_taken = queue_.push_with([&](Asked& asked) {
      asked.name = query.qname;
      asked.group = query.group;
      asked.zone = query.zone;
      asked.client = hash_client(query.client, client_key_.load(std::memory_order_relaxed));
      asked.at = query.at;
      asked.generation = query.generation;
      asked.is_blocked = query.disposition == event::Disposition::blocked;
      // What people except, and what some hours have, says nothing about the lists.
      asked.is_by_lists = !query.in_hours && query.zone.view() != policy::kExceptionsName;
      asked.is_answered = is_answered(query);
    });
    (is_taken ? recorded_ : dropped_).add();
  }

  void learn(const event::AnswerPath& path) override {
    const bool is_taken = learnt_.push_with([&](Learnt& learnt) {
      learnt.name = path.qname;
      learnt.trail = event::AnswerTrail(path.names, path.addresses);
    });
    (is_taken ? recorded_ : learnt_dropped_).add();
  }

  policy::Traffic traffic() const override {
    return {table_.with([](const QuestionTable& table) { return table.groups(); }),
            [this](const std::function<void(const policy::AskedName&)>& take) {
              table_.with([&](const QuestionTable& table) { table.for_each(take); });
            }};
  }

  bool catch_up(milliseconds longest) override {
    const std::uint64_t wanted = recorded_.value();
    std::unique_lock lock(mutex_);
    hurry_ = true;
    changed_.notify_all();
    return changed_.wait_for(lock, longest, [&] { return is_read_ && taken_ >= wanted; });
  }

  void watch(std::uint64_t generation, const std::vector<std::string>& zones) override {
    rates_.with([&](BlockRates& rates) { rates.watch(generation, zones); });
  }
  void watch_also(const std::vector<std::string>& zones) override {
    rates_.with([&](BlockRates& rates) { rates.watch_also(zones); });
  }
  void end_watch(event::WatchEnd end) override {
    rates_.with([&](BlockRates& rates) { rates.end_watch(end); });
  }
  std::optional<std::string> departure(std::string_view group) override {
    const auto found =
        rates_.with([group](const BlockRates& rates) { return rates.departure(group); });
    if (!found) return std::nullopt;
    const auto percent = [](double part) { return std::round(part * 1000) / 10.0; };
    return fmt::format("had {} % of {} queries of the group {} blocked, where {} to {} % are usual",
                       percent(found->rate), found->queries, found->group, percent(found->lowest),
                       percent(found->highest));
  }
  void forget() override {
    rates_.with([](BlockRates& rates) { rates.forget(); });
  }

  void collect(Metrics& metrics) const override {
    std::size_t names = 0, octets = 0;
    std::uint64_t evicted = 0, trails_dropped = 0;
    table_.with([&](const QuestionTable& table) {
      names = table.size();
      octets = table.memory_octets();
      evicted = table.evicted();
      trails_dropped = table.trails_dropped();
    });
    const auto add = [&](std::string_view name, MetricKind kind, std::string_view help,
                         auto value) {
      metrics.push_back({name, kind, help, "", static_cast<double>(value)});
    };
    add("postern_gate_names", MetricKind::gauge,
        "Names asked for in the last days that updates of feeds are tried on.", names);
    add("postern_gate_names_memory_octets", MetricKind::gauge, "Memory that they take.", octets);
    add("postern_gate_names_evicted_total", MetricKind::counter,
        "Names forgotten early because gate.max_names was reached.", evicted);
    add("postern_gate_questions_dropped_total", MetricKind::counter,
        "Questions that came faster than they could be remembered.", dropped_.value());
    add("postern_gate_answers_dropped_total", MetricKind::counter,
        "Answers of which it is not remembered where they led: too fast, or no room.",
        learnt_dropped_.value() + trails_dropped);
    add("postern_gate_rates_uncounted_total", MetricKind::counter,
        "Questions of more clients than are told apart in ten minutes, or in a watch.",
        rates_.with([](const BlockRates& rates) { return rates.uncounted(); }));
  }

  void stop() override {
    if (!thread_.joinable()) return;
    thread_.request_stop();
    {
      const std::lock_guard lock(mutex_);
      hurry_ = true;
    }
    changed_.notify_all();
    thread_.join();
  }

 private:
  void run(const std::stop_token& stopping) {
    enter_thread("questions");
    read();
    {
      const std::lock_guard lock(mutex_);
      is_read_ = true;
    }
    changed_.notify_all();
    auto write_at = std::chrono::steady_clock::now() + options_.write_every;
    bool has_news = false;
    while (!stopping.stop_requested()) {
      const bool had_some = drain();
      has_news = has_news || had_some;
      if (has_news && std::chrono::steady_clock::now() >= write_at) {
        write();
        has_news = false;
        write_at = std::chrono::steady_clock::now() + options_.write_every;
      }
      pause(had_some ? kBusyPause : kIdlePause);
    }
    if (drain() || has_news) write();
  }

  void pause(milliseconds longest) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, longest, [this] { return hurry_; });
    hurry_ = false;
  }

  /// Takes what the queues have. True where that was something.
  bool drain() {
    // An answer comes after the question that it was given to: once all questions are taken, those
    // of these answers are.
    std::vector<Learnt> learnt;
    for (Learnt each; learnt.size() < kLearntQueue && learnt_.try_pop(each);) {
      learnt.push_back(each);
    }
    std::uint64_t questions = 0;
    for (std::uint64_t taken = kBatch; taken == kBatch; questions += taken) {
      taken = table_.with([this](QuestionTable& table) { return take_questions(table); });
    }
    if (!learnt.empty()) {
      table_.with([&](QuestionTable& table) {
        for (const Learnt& each : learnt) table.learn(each.name, each.trail);
      });
    }
    {
      const std::lock_guard lock(mutex_);
      taken_ += questions + learnt.size();
    }
    changed_.notify_all();
    return questions > 0 || !learnt.empty();
  }

  /// Up to kBatch of them; how many.
  std::uint64_t take_questions(QuestionTable& table) {
    std::uint64_t taken = 0;
    Asked asked;
    while (taken < kBatch && queue_.try_pop(asked)) {
      ++taken;
      table.add({asked.name, asked.group.view(), asked.client, asked.is_answered},
                day_of(asked.at));
      if (!asked.is_by_lists) continue;
      rates_.with([&](BlockRates& rates) {
        rates.add({asked.group.view(), asked.client, asked.zone.view(), asked.is_blocked,
                   asked.generation, asked.at});
      });
    }
    return taken;
  }

  void read_rates() {
    const auto file = read_file(options_.rates_path, kMaxRatesOctets);
    if (!file) return;
    const auto done = rates_.with([&](BlockRates& rates) { return rates.from_text(file->text); });
    if (!done) {
      log_.warning("gate", options_.rates_path + ": " + done.error().text +
                               "; what groups usually have blocked is learnt anew");
    }
  }

  void read() {
    read_rates();
    auto file = read_file(options_.path, kMaxFileOctets);
    if (!file) {
      if (file.error().code != Errc::not_found) {
        log_.warning("gate",
                     "what was asked before is not known, and learnt anew: " + file.error().text);
      }
      return;
    }
    auto opened = open_text(file->text);
    // Decoded aside: nobody waits for it.
    QuestionTable table({options_.max_names, options_.days}, options_.hash_key);
    Result<void> done = opened ? table.decode(octets_of(opened->body))
                               : Result<void>(Unexpected<Error>(opened.error()));
    if (!done) {
      const std::string aside = options_.path + ".damaged";
      std::error_code error;
      std::filesystem::rename(options_.path, aside, error);
      log_.warning("gate", options_.path + ": " + done.error().text +
                               "; what was asked before is learnt anew" +
                               (error ? "" : "; the damaged file is now " + aside));
      return;
    }
    client_key_.store(opened->client_key, std::memory_order_relaxed);
    log_.info("gate", std::to_string(table.size()) + " names that were asked for are remembered");
    table_.with([&](QuestionTable& current) { current = std::move(table); });
  }

  void write() {
    const std::string text = table_.with([&](const QuestionTable& table) {
      return file_text(client_key_.load(std::memory_order_relaxed), table);
    });
    std::error_code error;
    std::filesystem::create_directories(std::filesystem::path(options_.path).parent_path(), error);
    if (const auto done = replace_file(options_.path, text, 0600); !done) {
      log_.warning("gate", "what was asked is not kept on disk: " + done.error().text);
    }
    const std::string rates = rates_.with([](const BlockRates& kept) { return kept.to_text(); });
    if (const auto done = replace_file(options_.rates_path, rates, 0600); !done) {
      log_.warning("gate", "what groups usually have blocked is not kept: " + done.error().text);
    }
  }

  const QuestionMemoryOptions options_;
  Log& log_;
  std::atomic<std::uint64_t> client_key_;
  BoundedQueue<Asked> queue_;
  BoundedQueue<Learnt> learnt_;
  SharedCounter recorded_, dropped_, learnt_dropped_;
  Guarded<QuestionTable> table_;
  Guarded<BlockRates> rates_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool hurry_ = false;  // These three under mutex_.
  bool is_read_ = false;
  std::uint64_t taken_ = 0;  // Of what was recorded, questions and answers.
  std::jthread thread_;      // Last: it starts when all else is there.
};

}  // namespace

std::unique_ptr<QuestionMemory> QuestionMemory::start(const QuestionMemoryOptions& options,
                                                      Log& log) {
  return std::make_unique<Memory>(options, log);
}

Result<policy::Traffic> read_questions(const std::string& path) {
  const FileContent file = POSTERN_TRY(read_file(path, kMaxFileOctets));
  const QuestionFile opened = POSTERN_TRY(open_text(file.text));
  auto table = std::make_shared<QuestionTable>(
      QuestionTable::Limits{.names = QuestionTable::kMaxNames}, opened.client_key);
  POSTERN_CHECK(table->decode(octets_of(opened.body)));
  return policy::Traffic{table->groups(),
                         [table](const std::function<void(const policy::AskedName&)>& take) {
                           table->for_each(take);
                         }};
}

}  // namespace postern::feeds
