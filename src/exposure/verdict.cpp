#include "exposure/verdict.h"

#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <utility>

#include <fmt/format.h>

namespace postern::exposure {
namespace {

using dns::RRType;

constexpr std::array<std::string_view, 10> kHostings = {
    "on-premises",   "hybrid",       "exchange-online", "google-workspace", "gateway",
    "vendor-hosted", "other-server", "no-mail",         "no-such-domain",   "unknown"};
constexpr std::array<std::string_view, 10> kTitles = {"on-premises Exchange likely",
                                                      "hybrid Exchange likely",
                                                      "Exchange Online",
                                                      "Google Workspace",
                                                      "behind a gateway",
                                                      "hosted by a vendor",
                                                      "another mail server",
                                                      "no mail",
                                                      "no such domain",
                                                      "unknown"};
constexpr std::array<std::string_view, 4> kExposures = {"likely", "possible", "unlikely",
                                                        "not-known"};

/// From here on a sum of signs is taken for true, or for worth a question.
constexpr int kLikely = 50;
constexpr int kPossible = 30;
/// Nothing that the DNS says is more certain.
constexpr int kMostCertain = 97;

/// What speaks for one thing: the weightiest sign of each slot, as independent chances.
class Score {
 public:
  void add(Slot slot, int weight) {
    int& kept = by_slot_[slot];
    kept = std::max(kept, weight);
  }
  int value() const {
    double against = 1;
    for (const auto& [slot, weight] : by_slot_) against *= 1 - weight / 100.0;
    return static_cast<int>((1 - against) * 100 + 0.5);
  }

 private:
  std::map<Slot, int> by_slot_;
};

std::string name_of(const Where& where) {
  return where.sign ? where.sign->provider : where.host.to_display();
}

/// The last two labels: what one owner's hosts mostly have in common.
bool are_of_one_owner(const dns::Name& a, const dns::Name& b) {
  constexpr std::size_t kLabels = 2;
  if (a.label_count() <= kLabels || b.label_count() <= kLabels) return false;
  return a.without_left(a.label_count() - kLabels) == b.without_left(b.label_count() - kLabels);
}

/// One judgement, made once.
class Judge {
 public:
  Judge(const Inquiry& inquiry, const Pack& pack) : inquiry_(inquiry) {
    out_.signs = read_signs(inquiry, pack);
  }

  Verdict run();

 private:
  const Answer* mx() const {
    return find_answer(inquiry_.answers(), {inquiry_.domain(), RRType::mx});
  }
  bool is_known(const dns::Name& name, RRType type) const {
    const Answer* const answer = find_answer(inquiry_.answers(), {name, type});
    return answer != nullptr && answer->outcome != Outcome::unknown;
  }
  void weigh();
  void decide();
  void decide_cloud(Role role);
  void decide_gateway();
  void decide_vendor();
  void decide_own();
  void decide_nobody();
  bool is_of_msp() const;
  void settle(Hosting hosting, int confidence, Exposure exposure);
  std::string gap() const;
  void close();
  void explain();
  void say(std::string text) { out_.because.push_back(std::move(text)); }

  const Inquiry& inquiry_;
  Verdict out_;
  const Where* front_ = nullptr;  ///< Who takes the mail first; null for nobody.
  // Without what MX records say, unless of a lesser preference.
  int cloud_ = 0, google_ = 0, vendor_ = 0, server_ = 0, exchange_ = 0;
  const Sign* vendor_sign_ = nullptr;
};

void Judge::weigh() {
  Score cloud, google, vendor, server, exchange;
  for (const Sign& sign : out_.signs.list) {
    const bool is_front = front_ != nullptr && front_->sign && sign.slot == Slot::mx &&
                          sign.provider == front_->sign->provider;
    if (is_front) continue;
    switch (sign.role) {
      case Role::exchange_online:
        cloud.add(sign.slot, sign.weight);
        break;
      case Role::google:
        google.add(sign.slot, sign.weight);
        break;
      case Role::vendor:
      case Role::vendor_exchange:
        vendor.add(sign.slot, sign.weight);
        if (vendor_sign_ == nullptr || sign.weight > vendor_sign_->weight) vendor_sign_ = &sign;
        break;
      case Role::server:
        server.add(sign.slot, sign.weight);
        break;
      case Role::exchange:
        exchange.add(sign.slot, sign.weight);
        break;
      case Role::gateway:
      case Role::sender:
        break;
    }
  }
  cloud_ = cloud.value();
  google_ = google.value();
  vendor_ = vendor.value();
  server_ = server.value();
  // Where another program is known, or autodiscover is the web site's host, an own autodiscover
  // is that program's, or the hoster's.
  const double doubt = (1 - server_ / 100.0) * (out_.signs.is_web_host ? 0.45 : 1.0);
  exchange_ = static_cast<int>(exchange.value() * doubt + 0.5);
}

void Judge::settle(Hosting hosting, int confidence, Exposure exposure) {
  out_.hosting = hosting;
  out_.confidence = std::clamp(confidence, 0, kMostCertain);
  out_.exposure = exposure;
}

// Microsoft's or Google's own hosts take the mail.
void Judge::decide_cloud(Role role) {
  const int certain = front_->sign->weight;
  const bool is_microsoft = role == Role::exchange_online;
  const Hosting cloud = is_microsoft ? Hosting::exchange_online : Hosting::google_workspace;
  if (exchange_ < kPossible) {
    settle(cloud, certain, Exposure::unlikely);
  } else if (is_microsoft && exchange_ >= kLikely) {
    settle(Hosting::hybrid, exchange_, Exposure::likely);
  } else {
    settle(cloud, certain - 10, Exposure::possible);
  }
}

void Judge::decide_gateway() {
  out_.hosting = Hosting::gateway;
  out_.confidence = std::min(front_->sign->weight, kMostCertain);
  const auto behind = [&](Hosting hosting, int confidence, Exposure exposure) {
    out_.behind = hosting;
    out_.behind_confidence = std::clamp(confidence, 1, kMostCertain);
    out_.exposure = exposure;
  };
  constexpr int kSome = 40;
  if (exchange_ >= kLikely && cloud_ >= kLikely) {
    behind(Hosting::hybrid, std::min(exchange_, cloud_), Exposure::likely);
  } else if (exchange_ >= kLikely) {
    behind(Hosting::onprem, exchange_, Exposure::likely);
  } else if (const int most = std::max({cloud_, google_, vendor_, server_}); most >= kSome) {
    const Hosting hosting = most == cloud_    ? Hosting::exchange_online
                            : most == google_ ? Hosting::google_workspace
                            : most == vendor_ ? Hosting::vendor_hosted
                                              : Hosting::other_server;
    const bool is_vendors = hosting == Hosting::vendor_hosted && vendor_sign_ != nullptr &&
                            vendor_sign_->role == Role::vendor_exchange;
    const bool is_possible = exchange_ >= kPossible || is_vendors;
    behind(hosting, most, is_possible ? Exposure::possible : Exposure::unlikely);
  } else {
    out_.exposure = exchange_ >= kPossible ? Exposure::possible : Exposure::not_known;
  }
}

void Judge::decide_vendor() {
  const bool has_exchange =
      front_->sign->role == Role::vendor_exchange ||
      (vendor_sign_ != nullptr && vendor_sign_->role == Role::vendor_exchange);
  settle(Hosting::vendor_hosted, front_->sign->weight,
         has_exchange || exchange_ >= kLikely ? Exposure::possible : Exposure::unlikely);
  if (cloud_ >= 80 && !has_exchange) {
    say("the records of Microsoft 365 are there, too: mailboxes may be moving");
  }
}

/// Mail and autodiscover are at hosts of one party that no rule knows, and not at the domain's own.
bool Judge::is_of_msp() const {
  const Where& autodiscover = out_.signs.autodiscover;
  const Where& service = out_.signs.autodiscover_service;
  const auto is_at = [&](const Where& where) {
    return where.place == Place::foreign && are_of_one_owner(where.host, front_->host);
  };
  return front_->place == Place::foreign && (is_at(autodiscover) || is_at(service));
}

// Their own host takes the mail, or one that no rule knows.
void Judge::decide_own() {
  const bool is_cloud_client = out_.signs.autodiscover.place == Place::known &&
                               out_.signs.autodiscover.sign->role == Role::exchange_online;
  const Exposure exposure =
      out_.signs.autodiscover.is_internal ? Exposure::possible : Exposure::likely;
  if (is_cloud_client) {
    settle(Hosting::hybrid, 40 + exchange_ / 3,
           exchange_ >= kPossible ? Exposure::likely : Exposure::possible);
    say("mail goes to a host of theirs, clients go to Exchange Online: mail passes a server of "
        "their own, or a filter that no rule knows");
  } else if (is_of_msp()) {
    settle(Hosting::vendor_hosted, std::max(40, exchange_), Exposure::possible);
    out_.provider = front_->host.without_left(front_->host.label_count() - 2).to_display();
  } else if (exchange_ >= kLikely && cloud_ >= kLikely) {
    settle(Hosting::hybrid, exchange_, exposure);
  } else if (exchange_ >= kLikely) {
    settle(Hosting::onprem, exchange_, exposure);
  } else if (vendor_ >= kLikely && vendor_sign_ != nullptr) {
    settle(Hosting::vendor_hosted, vendor_,
           vendor_sign_->role == Role::vendor_exchange ? Exposure::possible : Exposure::unlikely);
    out_.provider = vendor_sign_->provider;
  } else if (server_ >= kLikely) {
    settle(Hosting::other_server, server_, Exposure::unlikely);
  } else if (cloud_ >= 70) {
    settle(Hosting::hybrid, cloud_ / 2, Exposure::possible);
    say("mail goes to a host of theirs, and Microsoft 365 sends for them: a server of their own, "
        "or a filter that no rule knows, stands in between");
  } else {
    settle(Hosting::unknown, 0, exchange_ >= kPossible ? Exposure::possible : Exposure::not_known);
    say("mail goes to a host that no rule knows, and nothing says which program it is");
  }
}

// No host takes mail.
void Judge::decide_nobody() {
  const bool is_said = out_.signs.has_null_mx;
  settle(Hosting::no_mail, is_said ? 95 : 80,
         exchange_ >= kLikely ? Exposure::possible : Exposure::unlikely);
  say(is_said ? "the domain says that it takes no mail (RFC 7505)"
              : "there is neither an MX record nor an address");
}

void Judge::decide() {
  if (front_ == nullptr) return decide_nobody();
  if (front_->place != Place::known) return decide_own();
  switch (front_->sign->role) {
    case Role::exchange_online:
    case Role::google:
      return decide_cloud(front_->sign->role);
    case Role::gateway:
      return decide_gateway();
    case Role::vendor:
    case Role::vendor_exchange:
      return decide_vendor();
    case Role::server:
    case Role::exchange:
    case Role::sender:
      return decide_own();
  }
}

std::string advice_for(const Verdict& verdict) {
  const Hosting hosting = verdict.hosting == Hosting::gateway ? verdict.behind : verdict.hosting;
  if (verdict.exposure == Exposure::likely) {
    return "ask for the build of Exchange and for an assessment of the months before its updates";
  }
  switch (hosting) {
    case Hosting::onprem:
    case Hosting::hybrid:
      return "ask whether an Exchange server stands behind it, and for its build";
    case Hosting::exchange_online:
      return verdict.exposure == Exposure::possible
                 ? "ask whether an Exchange server was left behind: some of its names are there"
                 : "a hybrid server that was left behind cannot be seen in the DNS: ask";
    case Hosting::google_workspace:
    case Hosting::no_mail:
      return verdict.exposure == Exposure::possible
                 ? "ask whether an old Exchange server still runs: autodiscover is there"
                 : "";
    case Hosting::vendor_hosted:
      return verdict.exposure == Exposure::possible
                 ? "ask the vendor for the build of its Exchange servers and for an assessment"
                 : "";
    case Hosting::other_server:
      return "";
    case Hosting::no_such_domain:
      return "look whether the name is written right";
    case Hosting::gateway:
    case Hosting::unknown:
      return "ask: the DNS does not say";
  }
  return "";
}

/// Why it is not sure that autodiscover's records were all seen; empty where it is.
std::string Judge::gap() const {
  const dns::Name name = below(inquiry_.domain(), "autodiscover");
  const dns::Name service = below(inquiry_.domain(), "_autodiscover._tcp");
  bool is_found = false;
  // The next one matters only where none before gave anything.
  for (const Question& question :
       {Question{name, RRType::a}, Question{name, RRType::aaaa}, Question{service, RRType::srv}}) {
    const Answer* const answer = find_answer(inquiry_.answers(), question);
    if (question.name.is_root() || is_found) continue;
    if (answer == nullptr) return fmt::format("{} was not asked for", to_string(question));
    if (answer->outcome == Outcome::unknown) {
      return fmt::format("{} is not known because {}", to_string(question), answer->why);
    }
    if (!answer->is_positive()) continue;
    const Wildness wildness = wildness_of(question, inquiry_.answers(), inquiry_.nonces());
    if (wildness == Wildness::unknown) {
      return fmt::format("whether {} is that of a wildcard is not known", to_string(question));
    }
    is_found = wildness == Wildness::own;
  }
  return "";
}

/// "not known" is never made a "no".
void Judge::close() {
  if (out_.exposure == Exposure::likely || out_.exposure == Exposure::possible) return;
  std::string reason = gap();
  if (reason.empty()) return;
  out_.exposure = Exposure::not_known;
  out_.is_complete = false;
  say(std::move(reason));
}

void Judge::explain() {
  constexpr int kWorthTelling = 10;
  std::vector<const Sign*> signs;
  for (const Sign& sign : out_.signs.list) {
    if (sign.role != Role::sender && sign.weight >= kWorthTelling) signs.push_back(&sign);
  }
  std::ranges::stable_sort(signs, std::ranges::greater(), &Sign::weight);
  constexpr std::size_t kMost = 6;
  std::set<std::string> said;
  for (const Sign* sign : signs) {
    if (said.size() >= kMost) break;
    if (!said.insert(sign->means).second) continue;
    say(fmt::format("{}: {} {} {}", sign->means, sign->record.owner.to_display(),
                    dns::to_string(sign->record.type), sign->record.data.substr(0, 120)));
  }
}

Verdict Judge::run() {
  const Answer* const answer = mx();
  if (answer == nullptr || answer->outcome == Outcome::unknown) {
    out_.is_complete = false;
    say(fmt::format("not known because {}", answer == nullptr ? "nobody was asked" : answer->why));
    explain();
    out_.advice = "ask again later";
    return std::move(out_);
  }
  if (answer->outcome == Outcome::no_name) {
    settle(Hosting::no_such_domain, 95, Exposure::not_known);
    say("the DNS knows no such name");
    out_.advice = advice_for(out_);
    return std::move(out_);
  }
  if (!out_.signs.exchangers.empty()) front_ = &out_.signs.exchangers.front();
  // Who has no MX record may have an address that nobody could ask for.
  if (front_ == nullptr && !out_.signs.has_null_mx &&
      !(is_known(inquiry_.domain(), RRType::a) && is_known(inquiry_.domain(), RRType::aaaa))) {
    out_.is_complete = false;
    say("not known because the domain has no MX record, and its address could not be asked for");
    out_.advice = "ask again later";
    return std::move(out_);
  }
  if (front_ != nullptr) out_.provider = name_of(*front_);
  weigh();
  decide();
  close();
  explain();
  out_.advice = advice_for(out_);
  return std::move(out_);
}

}  // namespace

std::string_view to_string(Hosting hosting) {
  return kHostings[static_cast<std::size_t>(hosting)];
}

std::string_view title_of(Hosting hosting) {
  return kTitles[static_cast<std::size_t>(hosting)];
}

std::string_view to_string(Exposure exposure) {
  return kExposures[static_cast<std::size_t>(exposure)];
}

Verdict judge(const Inquiry& inquiry, const Pack& pack) {
  return Judge(inquiry, pack).run();
}

}  // namespace postern::exposure
