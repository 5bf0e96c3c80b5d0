#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/safe_text.h"
#include "event/json_writer.h"
#include "event/time_text.h"
#include "exchange/report.h"
#include "intel/indicator_ledger.h"
#include "policy/rule.h"

namespace postern::exchange {
namespace {

using event::JsonWriter;

std::string id_of(std::string_view type, std::string_view name) {
  const intel::Uuid uuid =
      intel::named_uuid(intel::kPosternSpace, fmt::format("sweep {} {}", type, name));
  return fmt::format("{}--{}", type, intel::to_text(uuid));
}

enum class What : std::uint8_t { address, name, hash };

/// What one indicator is of, and from which findings it comes.
struct Indicator {
  What what{};
  WallTime last{};  ///< When it was last seen.
  std::string why;  ///< The worst finding's rule and title.
  int confidence = 0;
  std::set<std::string> attack;
};

class Collector {
 public:
  Collector(const Report& report, const PublishPlan& plan)
      : report_(report), plan_(plan), lint_(plan.own, plan.known) {
    for (const ServerReport& server : report.servers) {
      if (server.verdict.outcome != Outcome::compromised) continue;
      for (const Finding& finding : server.findings) {
        const bool is_proof =
            finding.tier == Tier::exploited && finding.confidence >= plan.min_confidence;
        if (is_proof) take(finding);
      }
    }
  }

  /// By pattern.
  const std::map<std::string, Indicator>& found() const { return found_; }

  PublishCounts counts() const {
    PublishCounts out;
    out.told = found_.size();
    for (const auto& [text, refusal] : refused_) {
      ++out.refused[static_cast<std::size_t>(refusal)];
    }
    return out;
  }

 private:
  void take(const Finding& finding) {
    add_address(finding.actor, finding);
    for (const Detail& detail : finding.details) {
      if (detail.name == kAddressDetail) add_address(detail.value, finding);
      if (detail.name == kDomainDetail) add_name(detail.value, finding);
      if (detail.name == kHashDetail && plan_.with_hashes) add_hash(detail.value, finding);
    }
  }

  /// True where the lint refused it.
  bool is_refused(std::string_view text, std::optional<Refusal> refusal) {
    if (refusal) refused_.emplace(text, *refusal);
    return refusal.has_value();
  }

  /// An actor may be an account, too: that is no indicator, and none that was refused.
  void add_address(std::string_view text, const Finding& finding) {
    const auto address = IpAddress::from_text(text);
    if (!address || is_refused(text, lint_.of_address(*address))) return;
    add(fmt::format("[{}:value = '{}']", address->is_v4() ? "ipv4-addr" : "ipv6-addr",
                    address->to_text()),
        What::address, finding);
  }

  void add_name(std::string_view text, const Finding& finding) {
    dns::Name name;
    if (is_refused(text, lint_.of_name(text, name))) return;
    add(fmt::format("[domain-name:value = '{}']", name.to_display()), What::name, finding);
  }

  void add_hash(std::string_view text, const Finding& finding) {
    const auto hash = sha256_of(text);
    if (!hash || is_refused(text, lint_.of_hash(*hash))) return;
    add(fmt::format("[file:hashes.'SHA-256' = '{}']", to_string(*hash)), What::hash, finding);
  }

  void add(std::string pattern, What what, const Finding& finding) {
    const auto [at, is_new] = found_.try_emplace(std::move(pattern));
    Indicator& indicator = at->second;
    indicator.what = what;
    const WallTime seen = std::min(finding.at.value_or(report_.ended), report_.ended);
    indicator.last = is_new ? seen : std::max(indicator.last, seen);
    if (finding.confidence > indicator.confidence) {
      indicator.confidence = finding.confidence;
      indicator.why = fmt::format("{}: {}", finding.rule, finding.title);
    }
    indicator.attack.insert(finding.attack.begin(), finding.attack.end());
  }

  const Report& report_;
  const PublishPlan& plan_;
  IndicatorLint lint_;
  std::map<std::string, Indicator> found_;
  std::map<std::string, Refusal, std::less<>> refused_;
};

class Bundle {
 public:
  Bundle(const Report& report, const PublishPlan& plan)
      : report_(report), plan_(plan), at_(event::to_rfc3339(report.ended)) {}

  /// An object a line: the line that a resolver tells of a rule leads to its indicator.
  std::string write() {
    const Collector collector(report_, plan_);
    bundle_.begin_object().field("type", "bundle").field("id", id_of("bundle", report_.case_id));
    bundle_.key("objects").begin_array();
    write_identity();
    for (const auto& [pattern, indicator] : collector.found()) write_indicator(pattern, indicator);
    if (!refs_.empty()) write_report();
    bundle_.end_array().end_object();
    return std::move(bundle_).take() + "\n";
  }

 private:
  void end() {
    object_.end_object();
    bundle_.raw("\n" + std::move(object_).take());
    object_ = JsonWriter();
  }

  void begin(std::string_view type, std::string_view id) {
    object_.begin_object().field("type", type).field("spec_version", "2.1").field("id", id);
    object_.field("created", at_).field("modified", at_);
    if (type != "identity") object_.field("created_by_ref", identity_);
  }

  void write_identity() {
    begin("identity", identity_);
    object_.field("name", "Postern sweep").field("identity_class", "system");
    end();
  }

  void write_indicator(const std::string& pattern, const Indicator& indicator) {
    const std::string id = id_of("indicator", fmt::format("{} {}", report_.case_id, pattern));
    refs_.push_back(id);
    begin("indicator", id);
    object_.field("name", fmt::format("Exchange case {}", shown(report_.case_id)));
    object_.field("description", shown(indicator.why));
    object_.field("pattern", pattern).field("pattern_type", "stix");
    object_.field("valid_from", event::to_rfc3339(indicator.last));
    const int days = indicator.what == What::address ? plan_.address_days : plan_.name_days;
    if (indicator.what != What::hash) {
      object_.field("valid_until", event::to_rfc3339(indicator.last + std::chrono::days(days)));
    }
    const int most = indicator.what == What::address ? plan_.address_confidence
                     : indicator.what == What::name  ? plan_.name_confidence
                                                     : 100;
    object_.field("confidence", std::min(indicator.confidence, most));
    object_.key("indicator_types").begin_array().string("malicious-activity").end_array();
    object_.key("labels").begin_array().string("case:" + shown(report_.case_id)).end_array();
    write_attack(indicator.attack);
    end();
  }

  void write_attack(const std::set<std::string>& attack) {
    if (attack.empty()) return;
    object_.key("external_references").begin_array();
    for (const std::string& technique : attack) {
      object_.begin_object().field("source_name", "mitre-attack");
      object_.field("external_id", technique).end_object();
    }
    object_.end_array();
  }

  void write_report() {
    begin("report", id_of("report", report_.case_id));
    object_.field("name",
                  fmt::format("Sweep of Exchange servers, case {}", shown(report_.case_id)));
    object_.key("report_types").begin_array().string("indicator").end_array();
    object_.field("published", at_);
    std::string text;
    for (const ServerReport& server : report_.servers) {
      text += fmt::format("{}{}: {}", text.empty() ? "" : " ", shown(server.name),
                          server.verdict.headline);
    }
    object_.field("description", text).key("object_refs").begin_array();
    for (const std::string& ref : refs_) object_.string(ref);
    object_.end_array();
    end();
  }

  const Report& report_;
  const PublishPlan& plan_;
  const std::string at_;
  const std::string identity_ = id_of("identity", "postern");
  std::vector<std::string> refs_;
  JsonWriter bundle_, object_;
};

}  // namespace

PublishCounts count_indicators(const Report& report, const PublishPlan& plan) {
  return Collector(report, plan).counts();
}

std::string to_text(const PublishCounts& counts) {
  std::string out = fmt::format("{} indicator{}", counts.told, counts.told == 1 ? "" : "s");
  std::string_view before = "; left out: ";
  for (std::size_t i = 0; i < kRefusals; ++i) {
    if (counts.refused[i] == 0) continue;
    out += fmt::format("{}{} {}", before, counts.refused[i], to_string(static_cast<Refusal>(i)));
    before = ", ";
  }
  return out;
}

std::string feed_name_of(std::string_view case_id) {
  std::string out;
  for (const char c : lower(case_id)) {
    const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
    if (out.empty() && !is_plain) continue;
    out += is_plain || c == '.' || c == '_' ? c : '-';
    if (out.size() == policy::ZoneOptions::kMaxNameOctets) break;
  }
  return out.empty() ? "case" : out;
}

std::string to_stix(const Report& report, const PublishPlan& plan) {
  return Bundle(report, plan).write();
}

}  // namespace postern::exchange
