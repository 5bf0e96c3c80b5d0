#include "exchange/sigma_source.h"

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>

#include <fmt/format.h>

namespace postern::exchange {
namespace {

constexpr std::string_view kSysmon = "Microsoft-Windows-Sysmon/Operational";

/// Events that a category of rules is about.
struct Category {
  std::string_view name;
  std::string_view channel;
  std::array<int, 4> ids;  ///< 0: no more.
};
constexpr std::array kCategories = {
    Category{"process_creation", kSysmon, {1}},
    Category{"process_creation", "Security", {4688}},
    Category{"file_change", kSysmon, {2}},
    Category{"network_connection", kSysmon, {3}},
    Category{"process_termination", kSysmon, {5}},
    Category{"driver_load", kSysmon, {6}},
    Category{"image_load", kSysmon, {7}},
    Category{"create_remote_thread", kSysmon, {8}},
    Category{"raw_access_thread", kSysmon, {9}},
    Category{"process_access", kSysmon, {10}},
    Category{"file_event", kSysmon, {11}},
    Category{"registry_add", kSysmon, {12}},
    Category{"registry_delete", kSysmon, {12}},
    Category{"registry_set", kSysmon, {13}},
    Category{"registry_rename", kSysmon, {14}},
    Category{"registry_event", kSysmon, {12, 13, 14}},
    Category{"create_stream_hash", kSysmon, {15}},
    Category{"pipe_created", kSysmon, {17, 18}},
    Category{"wmi_event", kSysmon, {19, 20, 21}},
    Category{"dns_query", kSysmon, {22}},
    Category{"file_delete", kSysmon, {23, 26}},
    Category{"process_tampering", kSysmon, {25}},
    Category{"file_block", kSysmon, {27}},
    Category{"file_executable_detected", kSysmon, {29}},
    Category{"ps_module", "Microsoft-Windows-PowerShell/Operational", {4103}},
    Category{"ps_script", "Microsoft-Windows-PowerShell/Operational", {4104}},
    Category{"ps_classic_start", "Windows PowerShell", {400}},
    Category{"ps_classic_provider_start", "Windows PowerShell", {600}},
    Category{
        "antivirus", "Microsoft-Windows-Windows Defender/Operational", {1006, 1007, 1116, 1117}},
};

struct Service {
  std::string_view name;
  std::string_view channel;
};
constexpr std::array kServices = {
    Service{"application", "Application"},
    Service{"security", "Security"},
    Service{"system", "System"},
    Service{"sysmon", kSysmon},
    Service{"powershell", "Microsoft-Windows-PowerShell/Operational"},
    Service{"powershell-classic", "Windows PowerShell"},
    Service{"taskscheduler", "Microsoft-Windows-TaskScheduler/Operational"},
    Service{"windefend", "Microsoft-Windows-Windows Defender/Operational"},
    Service{"msexchange-management", "MSExchange Management"},
    Service{"iis-configuration", "Microsoft-IIS-Configuration/Operational"},
    Service{"wmi", "Microsoft-Windows-WMI-Activity/Operational"},
    Service{"bits-client", "Microsoft-Windows-Bits-Client/Operational"},
    Service{"terminalservices-localsessionmanager",
            "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational"},
    Service{"firewall-as", "Microsoft-Windows-Windows Firewall With Advanced Security/Firewall"},
    Service{"ntlm", "Microsoft-Windows-NTLM/Operational"},
    Service{"codeintegrity-operational", "Microsoft-Windows-CodeIntegrity/Operational"},
};

/// What rules for web servers and proxies call the fields of a request.
struct WebField {
  std::string_view sigma;
  std::string_view ours;
};
constexpr std::array kWebFields = {
    WebField{"cs-method", "method"},
    WebField{"c-method", "method"},
    WebField{"sc-status", "status"},
    WebField{"cs-username", "user"},
    WebField{"c-ip", "client"},
    WebField{"src_ip", "client"},
    WebField{"s-ip", "server"},
    WebField{"cs-user-agent", "agent"},
    WebField{"c-useragent", "agent"},
    WebField{"cs(user-agent)", "agent"},
    WebField{"cs-referer", "referer"},
    WebField{"cs-referrer", "referer"},
    WebField{"c-referer", "referer"},
    WebField{"cs(referer)", "referer"},
    WebField{"cs-host", "host"},
    WebField{"c-uri", "url"},
    WebField{"cs-uri", "url"},
    WebField{"cs-uri-stem", "stem"},
    WebField{"c-uri-stem", "stem"},
    WebField{"c-uri-query", "query"},
    WebField{"c-uri-extension", "extension"},
    WebField{"cs-bytes", "bytes_in"},
    WebField{"sc-bytes", "bytes_out"},
    WebField{"s-port", "port"},
};

std::optional<Condition> equals(Fields& fields, std::string_view field,
                                std::vector<std::string> values) {
  const auto index = fields.add(field, false);
  if (!index) return std::nullopt;
  return condition_of(text_test(fields, *index, Op::equals, std::move(values)));
}

/// Events of a channel, of some numbers where there are any.
std::optional<Condition> events(Fields& fields, std::string_view channel,
                                std::span<const int> ids) {
  auto of_channel = equals(fields, "Channel", {std::string(channel)});
  std::vector<std::string> numbers;
  for (const int id : ids) {
    if (id != 0) numbers.push_back(std::to_string(id));
  }
  if (numbers.empty() || !of_channel) return of_channel;
  auto of_ids = equals(fields, "event_id", std::move(numbers));
  if (!of_ids) return std::nullopt;
  std::vector<Condition> both;
  both.push_back(*std::move(of_channel));
  both.push_back(*std::move(of_ids));
  return all_of(std::move(both));
}

std::string named(const YamlNode& logsource) {
  std::string out;
  for (const std::string_view key : {"product", "category", "service"}) {
    if (!logsource.text_of(key).empty()) {
      out += fmt::format("{}{} {}", out.empty() ? "" : ", ", key, logsource.text_of(key));
    }
  }
  return out.empty() ? "none" : out;
}

Result<SigmaSource> of_events(const YamlNode& logsource, Fields& fields) {
  const std::string_view category = logsource.text_of("category");
  const std::string_view service = logsource.text_of("service");
  std::vector<Condition> any;
  if (!category.empty()) {
    for (const Category& known : kCategories) {
      if (known.name != category) continue;
      if (auto when = events(fields, known.channel, known.ids)) any.push_back(*std::move(when));
    }
  } else {
    for (const Service& known : kServices) {
      if (known.name != service) continue;
      if (auto when = events(fields, known.channel, {})) any.push_back(*std::move(when));
    }
  }
  if (any.empty()) {
    return fail(Errc::invalid_input,
                fmt::format("the logsource is not one that is read ({})", named(logsource)));
  }
  SigmaSource out;
  out.sources = set_of(Source::event);
  out.when = any_of(std::move(any));
  out.is_defender = category == "antivirus";
  return out;
}

}  // namespace

Result<SigmaSource> sigma_source(const YamlNode& logsource, Fields& fields) {
  const std::string_view category = logsource.text_of("category");
  const std::string_view product = logsource.text_of("product");
  const bool is_iis = product == "iis" || logsource.text_of("service") == "iis";
  if (category == "webserver" || category == "proxy" || (category.empty() && is_iis)) {
    SigmaSource out;
    out.sources = set_of(Source::iis) | set_of(Source::httpproxy);
    out.is_web = true;
    return out;
  }
  if (product == "windows" || category == "antivirus") return of_events(logsource, fields);
  return fail(Errc::invalid_input,
              fmt::format("the logsource is not one that is read ({})", named(logsource)));
}

std::optional<FieldIndex> sigma_field(std::string_view name, bool is_null,
                                      const SigmaSource& source, const SigmaOptions& options,
                                      Fields& fields) {
  if (source.is_web) {
    if (same_letters(name, "cs-uri-query")) {
      return fields.add(options.query_is_url && !is_null ? "url" : "query", false);
    }
    const auto* known = std::ranges::find_if(
        kWebFields, [&](const WebField& field) { return same_letters(field.sigma, name); });
    return fields.add(known == kWebFields.end() ? name : known->ours, false);
  }
  if (same_letters(name, "EventID")) return fields.add("event_id", false);
  if (same_letters(name, "Data")) return fields.add("text", false);
  if (source.is_defender && name == "Signature") return fields.add("Threat Name", false);
  if (source.is_defender && name == "Filename") return fields.add("Path", false);
  // A column of that name, though we call something else so.
  Field field;
  field.names.emplace_back(name);
  if (const auto index = fields.add(name, false);
      index && fields[*index].made == Made::column && !fields[*index].common) {
    return index;
  }
  return fields.add(std::move(field));
}

std::string_view sigma_value_in_rows(std::string_view field, std::string_view value) {
  static constexpr std::array<std::string_view, 6> kLevels = {
      "LogAlways", "Critical", "Error", "Warning", "Information", "Verbose"};
  static constexpr std::array<std::string_view, 6> kNumbers = {"0", "1", "2", "3", "4", "5"};
  if (!same_letters(field, "Level")) return value;
  const auto* at = std::ranges::find_if(
      kLevels, [&](std::string_view level) { return same_letters(level, value); });
  return at == kLevels.end() ? value : kNumbers[static_cast<std::size_t>(at - kLevels.begin())];
}

}  // namespace postern::exchange
