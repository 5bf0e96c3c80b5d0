#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "base/safe_text.h"
#include "event/json_writer.h"
#include "event/time_text.h"
#include "exchange/address.h"
#include "exchange/report.h"
#include "intel/feed_name.h"
#include "intel/indicator_ledger.h"
#include "intel/lint.h"
#include "intel/public_suffix.h"

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
  Collector(const Report& report, const PublishPlan& plan) : report_(report), plan_(plan) {
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

 private:
  void take(const Finding& finding) {
    add_address(finding.actor, finding);
    for (const Detail& detail : finding.details) {
      if (detail.name == kAddressDetail) add_address(detail.value, finding);
      if (detail.name == kDomainDetail) add_name(detail.value, finding);
      if (detail.name == kHashDetail && plan_.with_hashes) add_hash(detail.value, finding);
    }
  }

  void add_address(std::string_view text, const Finding& finding) {
    const auto address = IpAddress::from_text(text);
    if (!address || is_internal(*address)) return;
    const auto fault = intel::refused_as_rule(IpPrefix(*address, address->bit_count()),
                                              policy::Trigger::response_ip, policy::Action::block);
    if (fault) return;
    add(fmt::format("[{}:value = '{}']", address->is_v4() ? "ipv4-addr" : "ipv6-addr",
                    address->to_text()),
        What::address, finding);
  }

  void add_name(std::string_view text, const Finding& finding) {
    const auto name = intel::read_domain(text);
    if (!name || name->label_count() < 2 || intel::refused_as_rule(*name)) return;
    if (intel::shared_kind(*name) != intel::Shared::no) return;
    add(fmt::format("[domain-name:value = '{}']", name->to_display()), What::name, finding);
  }

  void add_hash(std::string_view text, const Finding& finding) {
    const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
    // Of nothing at all: half of the world's empty files.
    constexpr std::string_view kEmpty =
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    if (text.size() != 64 || !std::ranges::all_of(text, is_digit) || text == kEmpty) return;
    add(fmt::format("[file:hashes.'SHA-256' = '{}']", text), What::hash, finding);
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
  std::map<std::string, Indicator> found_;
};

class Bundle {
 public:
  Bundle(const Report& report, const PublishPlan& plan)
      : report_(report), plan_(plan), at_(event::to_rfc3339(report.ended)) {}

  std::string write() {
    const Collector collector(report_, plan_);
    json_.begin_object().field("type", "bundle").field("id", id_of("bundle", report_.case_id));
    json_.key("objects").begin_array();
    write_identity();
    for (const auto& [pattern, indicator] : collector.found()) write_indicator(pattern, indicator);
    if (!refs_.empty()) write_report();
    json_.end_array().end_object();
    return std::move(json_).take();
  }

 private:
  void begin(std::string_view type, std::string_view id) {
    json_.begin_object().field("type", type).field("spec_version", "2.1").field("id", id);
    json_.field("created", at_).field("modified", at_);
    if (type != "identity") json_.field("created_by_ref", identity_);
  }

  void write_identity() {
    begin("identity", identity_);
    json_.field("name", "Postern sweep").field("identity_class", "system").end_object();
  }

  void write_indicator(const std::string& pattern, const Indicator& indicator) {
    const std::string id = id_of("indicator", fmt::format("{} {}", report_.case_id, pattern));
    refs_.push_back(id);
    begin("indicator", id);
    json_.field("name", fmt::format("Exchange case {}", shown(report_.case_id)));
    json_.field("description", shown(indicator.why));
    json_.field("pattern", pattern).field("pattern_type", "stix");
    json_.field("valid_from", event::to_rfc3339(indicator.last));
    const int days = indicator.what == What::address ? plan_.address_days : plan_.name_days;
    if (indicator.what != What::hash) {
      json_.field("valid_until", event::to_rfc3339(indicator.last + std::chrono::days(days)));
    }
    const int most = indicator.what == What::address ? plan_.address_confidence
                     : indicator.what == What::name  ? plan_.name_confidence
                                                     : 100;
    json_.field("confidence", std::min(indicator.confidence, most));
    json_.key("indicator_types").begin_array().string("malicious-activity").end_array();
    json_.key("labels").begin_array().string("case:" + shown(report_.case_id)).end_array();
    write_attack(indicator.attack);
    json_.end_object();
  }

  void write_attack(const std::set<std::string>& attack) {
    if (attack.empty()) return;
    json_.key("external_references").begin_array();
    for (const std::string& technique : attack) {
      json_.begin_object().field("source_name", "mitre-attack");
      json_.field("external_id", technique).end_object();
    }
    json_.end_array();
  }

  void write_report() {
    begin("report", id_of("report", report_.case_id));
    json_.field("name", fmt::format("Sweep of Exchange servers, case {}", shown(report_.case_id)));
    json_.key("report_types").begin_array().string("indicator").end_array();
    json_.field("published", at_);
    std::string text;
    for (const ServerReport& server : report_.servers) {
      text += fmt::format("{}{}: {}", text.empty() ? "" : " ", shown(server.name),
                          server.verdict.headline);
    }
    json_.field("description", text).key("object_refs").begin_array();
    for (const std::string& ref : refs_) json_.string(ref);
    json_.end_array().end_object();
  }

  const Report& report_;
  const PublishPlan& plan_;
  const std::string at_;
  const std::string identity_ = id_of("identity", "postern");
  std::vector<std::string> refs_;
  JsonWriter json_;
};

}  // namespace

std::string to_stix(const Report& report, const PublishPlan& plan) {
  return Bundle(report, plan).write();
}

}  // namespace postern::exchange
