#include "exchange/traffic_findings.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <chrono>
#include <cmath>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "exchange/address.h"
#include "exchange/verdict.h"

namespace postern::exchange {
namespace {

constexpr std::size_t kNamesTold = 20;

/// No time that a calendar has is beyond the bounds.
WallTime wall_of(Second at) {
  return WallTime(std::chrono::seconds(std::clamp(at, -kLastSecond, kLastSecond)));
}

std::string time_text(Second at) {
  const WallTime wall = wall_of(at);
  const auto day = std::chrono::floor<std::chrono::days>(wall);
  const std::chrono::hh_mm_ss time(std::chrono::floor<std::chrono::seconds>(wall - day));
  return fmt::format("{}T{:02}:{:02}:{:02}Z", to_string(day), time.hours().count(),
                     time.minutes().count(), time.seconds().count());
}

/// Of a key: a time, a day, a stretch.
std::int64_t integer_of(std::string_view text) {
  std::int64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return std::clamp(value, -kLastSecond, kLastSecond);
}

/// Of an even number the lower one: of a quiet day and a loud one it is the quiet one.
double median(std::vector<double> values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>((values.size() - 1) / 2);
  std::ranges::nth_element(values, middle);
  return *middle;
}

/// How many users the bits stand for, about: linear counting. Nobody counts as one.
double persons_of(std::uint64_t bits) {
  constexpr double kBits = 64;
  const int set = std::popcount(bits);
  if (set <= 1) return 1;
  const double free = std::max(kBits - set, 0.5);
  return std::max(1.0, -kBits * std::log(free / kBits));
}

struct RuleText {
  std::string_view rule;
  std::vector<std::string> attack;
};

Finding finding_at(const RuleText& rule, std::string title, int confidence, const Seen& seen) {
  Finding out;
  out.rule = rule.rule;
  out.title = std::move(title);
  out.tier = Tier::hunt;
  out.confidence = confidence;
  out.attack = rule.attack;
  out.at = wall_of(seen.at);
  out.place = {seen.path, seen.line, 0, seen.offset};
  return out;
}

/// All that is known of one page.
struct PageStory {
  struct Visit {
    std::string_view client;
    const PageVisits* visits = nullptr;
  };
  std::vector<Visit> visits;
  std::optional<Seen> first_miss, first_missing;

  const Visit& first_visit() const {
    return *std::ranges::min_element(
        visits, {}, [](const Visit& one) { return std::tie(one.visits->first, one.client); });
  }
  std::size_t agents() const {
    std::set<std::uint64_t> all;
    for (const Visit& visit : visits) {
      all.insert(visit.visits->agents.begin(), visit.visits->agents.end());
    }
    return all.size();
  }
  std::uint64_t count() const {
    std::uint64_t all = 0;
    for (const Visit& visit : visits) all += visit.visits->count;
    return all;
  }
  std::vector<std::string_view> clients() const {
    std::vector<std::string_view> all;
    for (const Visit& visit : visits) all.push_back(visit.client);
    std::ranges::sort(all);
    if (all.size() > kNamesTold) all.resize(kNamesTold);
    return all;
  }
};

using PageStories = std::map<std::string_view, PageStory>;

PageStories stories_of(const SourceTraffic& traffic) {
  PageStories out;
  for (const auto& item : traffic.visits.items()) {
    const auto [page, client] = parts_of_key(*item.key);
    out[page].visits.push_back({client, item.value});
  }
  for (const auto& item : traffic.misses.items()) {
    const PageMisses& misses = *item.value;
    PageStory& story = out[parts_of_key(*item.key).first];
    if (!story.first_miss || misses.first < *story.first_miss) story.first_miss = misses.first;
    if (!misses.first_missing) continue;
    if (!story.first_missing || *misses.first_missing < *story.first_missing) {
      story.first_missing = misses.first_missing;
    }
  }
  return out;
}

class Teller {
 public:
  Teller(const TrafficFacts& facts, const PageOnDisk& on_disk, const TrafficLimits& limits)
      : facts_(facts), on_disk_(on_disk), limits_(limits) {}

  std::vector<Finding> run() {
    tell_volumes();
    const PageStories iis = stories_of(facts_.iis);
    const PageStories proxy = stories_of(facts_.proxy);
    for (const auto& [page, story] : iis) tell_page(page, story, facts_.iis);
    // What both have is the same requests; the log of IIS says more of them.
    for (const auto& [page, story] : proxy) {
      if (!iis.contains(page)) tell_page(page, story, facts_.proxy);
    }
    tell_hunters(iis, proxy);
    tell_failures();
    return finish();
  }

 private:
  // ---- W-01
  struct Volume {
    std::string_view client;
    std::int64_t day = 0;
    double each = 0;  ///< Octets for each user.
    const ClientDay* of = nullptr;
  };

  void tell_volumes() {
    // Both logs may have the same day of an address: the one that saw more is told.
    std::map<std::pair<std::string_view, std::int64_t>, std::pair<double, Volume>> odd;
    for (const SourceTraffic* const source : {&facts_.iis, &facts_.proxy}) {
      for (const auto& [z, volume] : odd_volumes(*source)) {
        const auto [known, is_new] =
            odd.try_emplace(std::pair(volume.client, volume.day), z, volume);
        if (!is_new && volume.each > known->second.second.each) known->second = {z, volume};
      }
    }
    for (const auto& [key, one] : odd) tell_volume(one.second, one.first);
  }

  std::vector<std::pair<double, Volume>> odd_volumes(const SourceTraffic& source) const {
    std::vector<Volume> all;
    std::vector<double> values;
    for (const auto& item : source.client_days.items()) {
      const ClientDay& day = *item.value;
      if (day.octets == 0) continue;
      const auto [client, number] = parts_of_key(*item.key);
      const double each = static_cast<double>(day.octets) / persons_of(day.users);
      all.push_back({client, integer_of(number), each, &day});
      values.push_back(each);
    }
    std::vector<std::pair<double, Volume>> odd;
    if (all.size() < limits_.volume_days) return odd;
    const double middle = median(values);
    for (double& value : values) value = std::abs(value - middle);
    // So that a server on which all days are alike has some spread, too.
    constexpr double kLeastSpread = 100'000;
    const double spread = std::max(1.4826 * median(values), kLeastSpread);
    const Neighbours neighbours(all);
    for (const Volume& volume : all) {
      const double z = (volume.each - middle) / spread;
      const bool is_large = volume.each > static_cast<double>(limits_.volume_octets);
      if (!is_large || z <= limits_.volume_z || volume.of->largest == std::nullopt) continue;
      if (neighbours.days_like(volume) >= limits_.habit_days) continue;
      if (neighbours.clients_like(volume) >= limits_.crowd) continue;
      odd.emplace_back(z, volume);
    }
    return odd;
  }

  /// Who was sent how much on which day, so that one day can be held against the others.
  class Neighbours {
   public:
    explicit Neighbours(const std::vector<Volume>& all) {
      for (const Volume& volume : all) {
        by_client_[volume.client].push_back(volume.each);
        by_day_[volume.day].push_back(volume.each);
      }
      for (auto& [client, values] : by_client_) std::ranges::sort(values);
      for (auto& [day, values] : by_day_) std::ranges::sort(values);
    }
    /// Other days of the same address, other addresses of the same day, with half as much or more.
    std::size_t days_like(const Volume& volume) const {
      return above(by_client_.at(volume.client), volume.each / 2);
    }
    std::size_t clients_like(const Volume& volume) const {
      return above(by_day_.at(volume.day), volume.each / 2);
    }

   private:
    static std::size_t above(const std::vector<double>& sorted, double least) {
      const auto from = std::ranges::lower_bound(sorted, least);
      return static_cast<std::size_t>(sorted.end() - from) - 1;  // One is itself.
    }

    std::map<std::string_view, std::vector<double>> by_client_;
    std::map<std::int64_t, std::vector<double>> by_day_;
  };

  void tell_volume(const Volume& volume, double z) {
    const LargestAnswer& largest = *volume.of->largest;
    Finding one = finding_at(
        {"W-01", {"T1041"}},
        fmt::format("One address was sent far more in a day than is usual here: {} octets",
                    volume.of->octets),
        50, largest.seen);
    one.actor = volume.client;
    one.details = {{std::string(kBytesDetail), std::to_string(volume.of->octets)},
                   {"day", time_text(volume.day * 86'400).substr(0, 10)},
                   {"requests", std::to_string(volume.of->requests)},
                   {"times the usual spread", fmt::format("{:.0f}", z)},
                   {"largest answer", std::to_string(largest.octets)},
                   {"page of it", largest.stem}};
    if (!largest.agent.empty()) one.details.push_back({"agent of it", largest.agent});
    if (!largest.user.empty()) one.details.push_back({"user of it", largest.user});
    keep(std::move(one));
  }

  // ---- Pages: W-03, W-04, W-08, W-09, W-11
  void tell_page(std::string_view page, const PageStory& story, const SourceTraffic& source) {
    if (story.visits.empty()) return;
    tell_rare(page, story, source);
    tell_ghost(page, story);
    tell_first_touch(page, story, source);
    tell_tunnels(page, story);
    tell_history(page, story);
  }

  bool is_known_to_few(const PageStory& story) const {
    return story.visits.size() <= limits_.few_clients && story.agents() <= limits_.few_agents;
  }

  bool has_history(const SourceTraffic& source, Second at) const {
    return source.first && at >= *source.first + limits_.history_seconds;
  }

  /// A page's finding, with who first had an answer of it as its actor.
  static Finding page_finding(const RuleText& rule, std::string title, int confidence,
                              const PageStory& story) {
    const PageStory::Visit& first = story.first_visit();
    Finding one = finding_at(rule, std::move(title), confidence, first.visits->first);
    one.actor = first.client;
    one.details = {{"answered", std::to_string(story.count())},
                   {"addresses", std::to_string(story.visits.size())},
                   {"who", fmt::format("{}", fmt::join(story.clients(), ", "))}};
    if (!first.visits->agent.empty()) one.details.push_back({"agent", first.visits->agent});
    if (!first.visits->user.empty()) one.details.push_back({"user", first.visits->user});
    return one;
  }

  void tell_rare(std::string_view page, const PageStory& story, const SourceTraffic& source) {
    if (!is_known_to_few(story)) return;
    Second first = story.first_visit().visits->first.at;
    if (story.first_miss) first = std::min(first, story.first_miss->at);
    if (!has_history(source, first)) return;
    const bool posted = std::ranges::any_of(
        story.visits, [](const PageStory::Visit& visit) { return !visit.visits->rates.empty(); });
    keep(page_finding({"W-03", {"T1505.003"}},
                      fmt::format("A page that is not Exchange's, and that hardly anybody asks "
                                  "for: {}",
                                  page),
                      posted ? 50 : 40, story));
  }

  void tell_ghost(std::string_view page, const PageStory& story) {
    if (!on_disk_ || on_disk_(page) != OnDisk::missing) return;
    keep(page_finding({"W-04", {"T1505.003", "T1070.004"}},
                      fmt::format("A page was answered that is not on the disk: {}", page), 60,
                      story));
  }

  void tell_first_touch(std::string_view page, const PageStory& story,
                        const SourceTraffic& source) {
    const PageStory::Visit& visit = story.first_visit();
    const PageVisits& first = *visit.visits;
    if (!first.posted || !first.no_referer || !has_history(source, first.first.at)) return;
    if (story.first_miss && story.first_miss->at <= first.first.at) return;
    const auto agent = source.agents.find(first.agent_hash);
    if (agent == source.agents.end() || agent->second < first.first.at) return;
    keep(page_finding({"W-08", {"T1505.003"}},
                      fmt::format("The first request ever for a page was a post, by a program "
                                  "that was never seen before: {}",
                                  page),
                      55, story));
  }

  void tell_tunnels(std::string_view page, const PageStory& story) {
    for (const PageStory::Visit& visit : story.visits) {
      if (const auto rate = tunnel_of(visit)) tell_tunnel(page, visit, *rate);
    }
  }

  std::optional<PageVisits::Rate> tunnel_of(const PageStory::Visit& visit) const {
    std::optional<PageVisits::Rate> most;
    for (const auto& [slot, rate] : visit.visits->rates) {
      PageVisits::Rate sum = rate;
      const auto next = visit.visits->rates.find(slot + 1);
      if (next != visit.visits->rates.end()) {
        sum.posts += next->second.posts;
        sum.small += next->second.small;
        sum.swings += next->second.swings;
        sum.sized += next->second.sized;
      }
      if (is_tunnel(sum, visit.client) && (!most || sum.posts > most->posts)) most = sum;
    }
    return most;
  }

  /// Where the log has no sizes, the rate alone speaks; of one's own programs it says nothing.
  bool is_tunnel(const PageVisits::Rate& rate, std::string_view client) const {
    if (rate.posts <= limits_.tunnel_posts) return false;
    if (rate.sized * 2 < rate.posts) return !is_internal_address(client);
    return rate.small * 2 >= rate.sized && rate.swings * 4 >= rate.sized;
  }

  void tell_tunnel(std::string_view page, const PageStory::Visit& visit,
                   const PageVisits::Rate& rate) {
    const bool is_sized = rate.sized * 2 >= rate.posts;
    Finding one = finding_at(
        {"W-09", {"T1090", "T1572"}},
        fmt::format("{} posts to one page in ten minutes{}: {}", rate.posts,
                    is_sized ? ", small ones with small and large answers by turns" : "", page),
        is_sized ? 65 : 40, visit.visits->first);
    one.actor = visit.client;
    one.details = {{"posts in ten minutes", std::to_string(rate.posts)},
                   {"answered in all", std::to_string(visit.visits->count)}};
    if (is_sized) {
      one.details.push_back({"small requests", std::to_string(rate.small)});
      one.details.push_back({"turns between small and large", std::to_string(rate.swings)});
    }
    if (!visit.visits->agent.empty()) one.details.push_back({"agent", visit.visits->agent});
    keep(std::move(one));
  }

  void tell_history(std::string_view page, const PageStory& story) {
    if (!story.first_missing || !is_known_to_few(story)) return;
    const Seen& answered = story.first_visit().visits->first;
    if (story.first_missing->at >= answered.at) return;
    Finding one =
        page_finding({"W-11", {"T1505.003"}},
                     fmt::format("A page was not there, and then was: {}", page), 50, story);
    one.details.push_back({"not there at", time_text(story.first_missing->at)});
    keep(std::move(one));
  }

  // ---- W-05
  struct Hunted {
    Seen seen;
    std::string_view page;
  };

  void tell_hunters(const PageStories& iis, const PageStories& proxy) {
    std::map<std::string_view, std::vector<Hunted>> by_client;
    std::map<std::string_view, std::set<std::string_view>> answered;
    for (const SourceTraffic* const source : {&facts_.iis, &facts_.proxy}) {
      for (const auto& item : source->misses.items()) {
        if (!item.value->first_missing) continue;
        const auto [page, client] = parts_of_key(*item.key);
        by_client[client].push_back({*item.value->first_missing, page});
      }
    }
    for (const PageStories* const stories : {&iis, &proxy}) {
      for (const auto& [page, story] : *stories) {
        for (const PageStory::Visit& visit : story.visits) answered[visit.client].insert(page);
      }
    }
    for (auto& [client, hunted] : by_client) {
      std::ranges::sort(hunted, {}, [](const Hunted& one) { return std::tie(one.seen, one.page); });
      if (const auto burst = burst_of(hunted)) tell_hunter(client, hunted, *burst, answered);
    }
  }

  /// Where the first burst begins.
  std::optional<std::size_t> burst_of(const std::vector<Hunted>& hunted) const {
    std::map<std::string_view, std::size_t> pages;
    std::size_t begin = 0;
    for (std::size_t end = 0; end < hunted.size(); ++end) {
      ++pages[hunted[end].page];
      while (hunted[end].seen.at - hunted[begin].seen.at > limits_.hunt_seconds) {
        if (--pages[hunted[begin].page] == 0) pages.erase(hunted[begin].page);
        ++begin;
      }
      if (pages.size() >= limits_.hunted_pages) return begin;
    }
    return std::nullopt;
  }

  void tell_hunter(std::string_view client, const std::vector<Hunted>& hunted, std::size_t burst,
                   const std::map<std::string_view, std::set<std::string_view>>& answered) {
    std::set<std::string_view> pages;
    for (const Hunted& one : hunted) pages.insert(one.page);
    std::vector<std::string_view> names(pages.begin(), pages.end());
    if (names.size() > kNamesTold) names.resize(kNamesTold);
    const auto had = answered.find(client);
    Finding one =
        finding_at({"W-05", {"T1595.003"}},
                   fmt::format("Somebody looked for pages that others might have planted: {} names",
                               pages.size()),
                   had != answered.end() ? 60 : 40, hunted[burst].seen);
    one.actor = client;
    one.details = {{"label", "shell scavenger"},
                   {"names", std::to_string(pages.size())},
                   {"asked for", fmt::format("{}", fmt::join(names, ", "))}};
    if (had != answered.end()) {
      std::vector<std::string_view> got(had->second.begin(), had->second.end());
      if (got.size() > kNamesTold) got.resize(kNamesTold);
      one.details.push_back({"answered 200", fmt::format("{}", fmt::join(got, ", "))});
    }
    keep(std::move(one));
  }

  // ---- W-11, failures
  struct Burst {
    std::uint64_t most = 0;
    std::set<std::int64_t> slots;
  };
  using Slots = std::map<std::int64_t, const Failures*>;

  void tell_failures() {
    // Both logs have the same failures.
    const bool has_iis = !facts_.iis.failures.empty();
    const SourceTraffic& source = has_iis ? facts_.iis : facts_.proxy;
    Slots slots;
    for (const auto& item : source.failures.items()) {
      slots[integer_of(*item.key)] = item.value;
    }
    const std::map<std::int64_t, std::uint64_t> sums = sums_of(slots);
    std::map<DayNumber, std::uint64_t> worst;
    for (const DayNumber day : source.days) worst[day] = 0;
    for (const auto& [slot, sum] : sums) {
      std::uint64_t& of_day = worst[day_of_slot(slot)];
      of_day = std::max(of_day, sum);
    }
    if (worst.size() < 2) return;  // Nothing says what is usual.
    std::vector<double> of_days;
    for (const auto& [day, most] : worst) of_days.push_back(static_cast<double>(most));
    const double usual = median(std::move(of_days));
    Burst burst;
    for (const auto& [slot, sum] : sums) {
      if (!is_burst(sum, usual)) continue;
      if (!burst.slots.empty() && slot > *burst.slots.rbegin() + 1) {
        tell_burst(std::exchange(burst, {}), slots);
      }
      burst.most = std::max(burst.most, sum);
      burst.slots.insert({slot, slot + 1});
    }
    if (!burst.slots.empty()) tell_burst(burst, slots);
  }

  static DayNumber day_of_slot(std::int64_t slot) {
    return static_cast<DayNumber>(slot * kRateSeconds / 86'400);
  }

  /// Of each stretch and the one behind it.
  static std::map<std::int64_t, std::uint64_t> sums_of(const Slots& slots) {
    std::map<std::int64_t, std::uint64_t> sums;
    for (const auto& [slot, failures] : slots) {
      const auto next = slots.find(slot + 1);
      sums[slot] = failures->count + (next == slots.end() ? 0 : next->second->count);
    }
    return sums;
  }

  bool is_burst(std::uint64_t sum, double usual) const {
    return sum >= limits_.burst_failures &&
           static_cast<double>(sum) > static_cast<double>(limits_.burst_times) * usual;
  }

  void tell_burst(const Burst& burst, const Slots& slots) {
    std::uint64_t count = 0;
    std::optional<Seen> first;
    std::map<std::string_view, std::uint64_t> clients;
    for (const std::int64_t slot : burst.slots) {
      const auto at = slots.find(slot);
      if (at == slots.end()) continue;
      count += at->second->count;
      if (!first || at->second->first < *first) first = at->second->first;
      for (const auto& [client, times] : at->second->clients) clients[client] += times;
    }
    Finding one = finding_at({"W-11", {"T1190"}},
                             fmt::format("The control panel suddenly failed: {} times in ten "
                                         "minutes",
                                         burst.most),
                             40, *first);
    const auto worst =
        std::ranges::max_element(clients, {}, [](const auto& client) { return client.second; });
    if (worst != clients.end() && worst->second * 2 >= count) one.actor = worst->first;
    one.details = {{"in ten minutes", std::to_string(burst.most)},
                   {"in all", std::to_string(count)}};
    keep(std::move(one));
  }

  // ---- All
  void keep(Finding finding) { found_[finding.rule].push_back(std::move(finding)); }

  std::vector<Finding> finish() {
    std::vector<Finding> out;
    for (auto& [rule, findings] : found_) {
      std::ranges::sort(findings, {}, [](const Finding& one) {
        return std::tie(one.at, one.actor, one.title, one.place.path, one.place.line);
      });
      if (findings.size() > limits_.told) {
        const std::size_t more = findings.size() - limits_.told;
        findings.resize(limits_.told);
        findings.back().details.push_back({"more of these", std::to_string(more)});
      }
      std::ranges::move(findings, std::back_inserter(out));
    }
    return out;
  }

  const TrafficFacts& facts_;
  const PageOnDisk& on_disk_;
  const TrafficLimits& limits_;
  std::map<std::string, std::vector<Finding>> found_;
};

}  // namespace

std::vector<Finding> traffic_findings(const TrafficFacts& facts, const PageOnDisk& on_disk,
                                      const TrafficLimits& limits) {
  return Teller(facts, on_disk, limits).run();
}

}  // namespace postern::exchange
