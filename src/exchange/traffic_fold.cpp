#include "exchange/traffic_fold.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>
#include <utility>

#include "exchange/fold.h"
#include "exchange/known_good.h"
#include "exchange/page_names.h"

namespace postern::exchange {
namespace {

constexpr std::size_t kAgentSlots = 2 * TrafficFold::kMaxAgents;
constexpr std::string_view kBackEndPort = "444";

std::uint64_t number_of(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

std::optional<Second> second_of(const Row& row) {
  const auto at = row.at();
  if (!at) return std::nullopt;
  return std::chrono::floor<std::chrono::seconds>(*at).time_since_epoch().count();
}

bool is_post(const Row& row) {
  return row.value(Common::method) == "POST";
}

std::string cut(std::string_view text) {
  return std::string(text.substr(0, TrafficFold::kMaxTextOctets));
}

/// A request's address: of a web log as it is, but where somebody stands before the server.
std::string_view address_of(const Row& row) {
  const bool is_plain = row.source() == Source::iis && row.value(Common::forwarded).empty();
  const std::string_view client = is_plain ? row.value(Common::client) : client_of(row);
  return client.substr(0, TrafficFold::kMaxTextOctets);
}

}  // namespace

TrafficFold::TrafficFold() : agents_(kAgentSlots) {}

void TrafficFold::begin(std::string_view path) {
  static_cast<void>(finish());
  path_ = path;
}

TrafficFacts TrafficFold::finish() {
  end_day();
  for (SourceTraffic* const one : {&facts_.iis, &facts_.proxy}) {
    one->left_out += one->client_days.left_out() + one->visits.left_out() + one->misses.left_out() +
                     one->failures.left_out();
  }
  of_source_ = nullptr;
  has_day_ = false;
  day_text_.clear();
  stems_.clear();
  page_of_stem_.clear();
  pages_.clear();
  was_large_.clear();
  if (agent_count_ > 0) agents_.assign(kAgentSlots, {});
  agent_count_ = 0;
  return std::exchange(facts_, {});
}

void TrafficFold::turn_to(const Row& row) {
  end_day();
  source_ = row.source();
  of_source_ = source_ == Source::iis ? &facts_.iis : &facts_.proxy;
  has_day_ = false;
  day_text_.clear();
  was_large_.clear();
}

void TrafficFold::on_row(const Row& row) {
  if (row.source() != Source::iis && row.source() != Source::httpproxy) return;
  if (!row.whole) return;
  if (of_source_ == nullptr || row.source() != source_) turn_to(row);
  if (source_ == Source::iis && row.value(Common::port) == kBackEndPort) return;
  if (!take_day(row.value(Common::date).substr(0, 10))) return;

  Request request;
  request.client = address_of(row);
  request.status = row.value(Common::status);
  request.stem = row.value(Common::stem);
  const std::string_view out = row.value(Common::bytes_out);
  request.has_out = !out.empty();
  request.out = number_of(out);
  const std::string_view agent = row.value(Common::agent);
  request.agent_hash = text_hash(agent);

  take_agent(row, request.agent_hash);
  if (request.has_out) take_client(row, request);
  if (request.status == "500") take_failure(row, request);
  const std::uint32_t page = page_number(request.stem);
  if (page != TextIndex::kNone) take_page(row, request, page);
}

// Reading a day costs more than seeing that it is the one before.
bool TrafficFold::take_day(std::string_view date) {
  if (has_day_ && date == day_text_) return true;
  const auto day = day_of(date);
  if (!day) return false;
  end_day();
  day_text_ = date;
  day_ = static_cast<DayNumber>(day->time_since_epoch().count());
  has_day_ = true;
  if (of_source_->days.size() < SourceTraffic::kMaxDays) {
    of_source_->days.insert(day_);
  } else {
    ++of_source_->left_out;
  }
  const Second begin = Second{day_} * 86'400;
  of_source_->first = of_source_->first ? std::min(*of_source_->first, begin) : begin;
  return true;
}

void TrafficFold::take_client(const Row& row, const Request& request) {
  const std::uint32_t number = clients_.number(request.client);
  if (number == TextIndex::kNone) {
    ++of_source_->left_out;
    return;
  }
  if (number == counts_.size()) counts_.emplace_back();
  DayCount& day = counts_[number];
  day.octets += request.out;
  ++day.requests;
  const std::string_view user = row.value(Common::user);
  if (!user.empty()) day.users |= std::uint64_t{1} << (text_hash(user) & 63U);
  // A log with less of a day is not asked what was the largest.
  if (day.octets < kTellingOctets) return;
  const bool has_largest = day.largest != TextIndex::kNone;
  if (has_largest && request.out <= largest_[day.largest].octets) return;
  const auto at = second_of(row);
  if (!at) return;
  if (!has_largest) {
    day.largest = static_cast<std::uint32_t>(largest_.size());
    largest_.emplace_back();
  }
  largest_[day.largest] = {request.out, seen_of(row, *at), cut(request.stem),
                           cut(row.value(Common::agent)), cut(user)};
}

void TrafficFold::take_agent(const Row& row, std::uint64_t hash) {
  std::size_t at = hash % kAgentSlots;
  while (agents_[at].is_taken) {
    if (agents_[at].hash == hash) return;
    at = (at + 1) % kAgentSlots;
  }
  if (agent_count_ >= kMaxAgents) {
    ++of_source_->left_out;
    return;
  }
  const auto when = second_of(row);
  if (!when) return;
  agents_[at] = {hash, true};
  ++agent_count_;
  of_source_->see_agent(hash, *when);
}

std::uint32_t TrafficFold::page_number(std::string_view stem) {
  if (stem.size() > kMaxTextOctets) return classify(stem);
  const std::uint32_t number = stems_.number(stem);
  if (number == TextIndex::kNone) return classify(stem);
  if (number == page_of_stem_.size()) page_of_stem_.push_back(classify(stem));
  return page_of_stem_[number];
}

std::uint32_t TrafficFold::classify(std::string_view stem) {
  const auto page = page_of(stem);
  if (!page || exchange_pages().has(*page)) return TextIndex::kNone;
  // What ASP.NET itself answers under this ending stands on no disk.
  if (extension_of(*page) == "axd") return TextIndex::kNone;
  const std::uint32_t number = pages_.number(*page);
  if (number == TextIndex::kNone) ++of_source_->left_out;
  return number;
}

void TrafficFold::take_page(const Row& row, const Request& request, std::uint32_t page) {
  const auto at = second_of(row);
  if (!at) return;
  const Seen seen = seen_of(row, *at);
  const std::string key = traffic_key(pages_.text(page), request.client);
  if (request.status == "200") {
    PageVisits* const visits = of_source_->visits.of(key);
    if (visits == nullptr) return;
    take_visit(row, request, *visits, seen);
    if (is_post(row)) take_rate(row, request, key, visits->rates);
    return;
  }
  PageMisses* const misses = of_source_->misses.of(key);
  if (misses == nullptr) return;
  if (misses->count++ == 0 || seen < misses->first) misses->first = seen;
  if (request.status != "404") return;
  if (!misses->first_missing || seen < *misses->first_missing) misses->first_missing = seen;
}

void TrafficFold::take_visit(const Row& row, const Request& request, PageVisits& visits,
                             const Seen& seen) {
  if (visits.count++ == 0 || seen < visits.first) {
    visits.first = seen;
    visits.posted = is_post(row);
    visits.no_referer =
        row.schema->column(Common::referer) != kNoColumn && row.value(Common::referer).empty();
    visits.agent_hash = request.agent_hash;
    visits.agent = cut(row.value(Common::agent));
    visits.user = cut(row.value(Common::user));
  }
  visits.see_agent(request.agent_hash);
}

void TrafficFold::take_rate(const Row& row, const Request& request, const std::string& key,
                            PageVisits::Rates& rates) {
  const std::int64_t slot = second_of(row).value_or(0) / kRateSeconds;
  if (rates.size() >= PageVisits::kMaxRates && !rates.contains(slot)) {
    ++of_source_->left_out;
    return;
  }
  PageVisits::Rate& rate = rates[slot];
  ++rate.posts;
  const std::string_view in = row.value(Common::bytes_in);
  if (in.empty() || !request.has_out) return;
  ++rate.sized;
  if (number_of(in) <= kSmallRequest) ++rate.small;
  const bool is_large = request.out >= kLargeAnswer;
  if (!is_large && request.out > kSmallAnswer) return;
  if (was_large_.size() >= SourceTraffic::kMaxVisits && !was_large_.contains(key)) return;
  const auto [before, is_new] = was_large_.try_emplace(key, is_large);
  if (!is_new && before->second != is_large) ++rate.swings;
  before->second = is_large;
}

void TrafficFold::take_failure(const Row& row, const Request& request) {
  if (!starts_folded(request.stem, "/ecp/", Fold::ascii) &&
      !equals_folded(request.stem, "/ecp", Fold::ascii)) {
    return;
  }
  const auto at = second_of(row);
  if (!at) return;
  Failures* const failures = of_source_->failures.of(std::to_string(*at / kRateSeconds));
  if (failures == nullptr) return;
  const Seen seen = seen_of(row, *at);
  if (failures->count++ == 0 || seen < failures->first) failures->first = seen;
  failures->see_client(request.client, 1);
}

void TrafficFold::end_day() {
  const std::string day_text = std::to_string(day_);
  for (std::uint32_t number = 0; number < counts_.size(); ++number) {
    const DayCount& count = counts_[number];
    ClientDay* const known =
        of_source_->client_days.of(traffic_key(clients_.text(number), day_text));
    if (known == nullptr) continue;
    ClientDay day;
    day.octets = count.octets;
    day.requests = count.requests;
    day.users = count.users;
    if (count.largest != TextIndex::kNone) day.largest = std::move(largest_[count.largest]);
    known->add(day);
  }
  if (counts_.empty()) return;
  counts_.clear();
  largest_.clear();
  clients_.clear();
}

Seen TrafficFold::seen_of(const Row& row, Second at) const {
  return {at, path_, row.line, row.offset};
}

}  // namespace postern::exchange
