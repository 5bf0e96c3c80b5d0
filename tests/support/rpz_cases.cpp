// Plays RPZ cases against server::Handler.
#include "rpz_cases.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <sstream>
#include <utility>

#include "base/published.h"
#include "dns/rdata.h"
#include "intel/format.h"
#include "server/handler.h"
#include "server/testing.h"

namespace postern::rpz_cases {
namespace {

using dns::Name;
using dns::RRType;

/// CNAMEs that the world follows, so that a loop ends.
constexpr int kMaxAliases = 20;
constexpr const char* kSignature =
    " 13 2 300 20300101000000 20200101000000 1 example. c2lnbmF0dXJl";

struct WorldRecord {
  Name owner;
  std::uint32_t ttl = 0;
  RRType type{};
  std::string rdata;

  std::string text() const {
    return owner.to_text() + " " + std::to_string(ttl) + " " + dns::to_string(type) + " " + rdata;
  }
};

std::vector<WorldRecord> records_of(const World& world) {
  std::vector<WorldRecord> records;
  for (const std::string& text : world.records) {
    std::istringstream in(text);
    std::string owner;
    std::string type;
    WorldRecord record;
    in >> owner >> record.ttl >> type;
    std::getline(in >> std::ws, record.rdata);
    record.owner = *Name::from_text(owner);
    record.type = *dns::rr_type_from_text(type);
    records.push_back(std::move(record));
  }
  return records;
}

/// The servers of the world and a resolver that asks them: says at once what there is.
class WorldResolver final : public resolve::Resolver {
 public:
  explicit WorldResolver(const World& world) : world_(world), records_(records_of(world)) {}

  bool resolve(const resolve::Request& request, resolve::ReplySink& sink) override {
    resolve::Reply reply;
    reply.ticket = request.ticket;
    std::vector<std::string> lines;
    bool is_secure = true;
    const dns::Rcode rcode = find(request.question, lines, is_secure);
    reply.message = server::testing::message_of(request.question, rcode, lines);
    reply.security = is_secure ? resolve::Security::secure : resolve::Security::insecure;
    sink.deliver(std::move(reply));
    return true;
  }
  void stop() override {}
  void collect(Metrics&) const override {}

 private:
  static bool is_in(const Name& name, const std::vector<Name>& zones) {
    return std::ranges::any_of(zones, [&](const Name& zone) { return name.is_at_or_below(zone); });
  }

  void add(const WorldRecord& record, std::vector<std::string>& lines,
           const std::string& section = "") const {
    lines.push_back(section + record.text());
    if (!is_in(record.owner, world_.is_signed)) return;
    lines.push_back(section + record.owner.to_text() + " " + std::to_string(record.ttl) +
                    " RRSIG " + dns::to_string(record.type) + kSignature);
  }

  /// The name that a DNAME makes of another; nothing where there is none above it.
  std::optional<Name> renamed(const Name& name, std::vector<std::string>& lines) const {
    for (const WorldRecord& record : records_) {
      if (record.type != RRType::dname || !name.is_at_or_below(record.owner)) continue;
      if (name == record.owner) continue;
      const std::string text = name.to_text();
      const std::string front = text.substr(0, text.size() - record.owner.to_text().size());
      const auto target = Name::from_text(front + record.rdata);
      if (!target) continue;
      add(record, lines);
      lines.push_back(name.to_text() + " " + std::to_string(record.ttl) + " CNAME " +
                      target->to_text());
      return *target;
    }
    return std::nullopt;
  }

  /// `is_secure` is false then where some name of the chain is not signed.
  dns::Rcode find(const dns::Question& question, std::vector<std::string>& lines,
                  bool& is_secure) const {
    Name name = question.qname;
    for (int i = 0; i < kMaxAliases; ++i) {
      is_secure = is_secure && is_in(name, world_.is_signed);
      if (is_in(name, world_.fails)) return dns::Rcode::servfail;
      bool has_data = false;
      bool exists = false;
      std::optional<Name> next;
      for (const WorldRecord& record : records_) {
        exists = exists || record.owner.is_at_or_below(name);
        if (record.owner != name) continue;
        const bool is_alias = record.type == RRType::cname;
        if (record.type != question.qtype && !is_alias) continue;
        has_data = true;
        add(record, lines);
        if (is_alias && question.qtype != RRType::cname) next = *Name::from_text(record.rdata);
      }
      if (!has_data) next = renamed(name, lines);
      if (next) {
        name = *next;
        continue;
      }
      if (has_data) return dns::Rcode::noerror;
      // RFC 2308 §3. The root's own, so that it holds for every name.
      WorldRecord soa{Name(), 60, RRType::soa, "ns.world. host.world. 1 3600 600 86400 60"};
      if (is_in(name, world_.is_signed)) soa.owner = zone_of(name);
      add(soa, lines, "ns:");
      return exists ? dns::Rcode::noerror : dns::Rcode::nxdomain;
    }
    return dns::Rcode::servfail;
  }

  Name zone_of(const Name& name) const {
    for (const Name& zone : world_.is_signed) {
      if (name.is_at_or_below(zone)) return zone;
    }
    return {};
  }

  const World& world_;
  const std::vector<WorldRecord> records_;
};

Result<intel::FeedContent> read_zone(const ZoneText& zone) {
  intel::FeedOptions options;
  options.format = intel::Format::rpz;
  if (!zone.is_whole) options.origin = *Name::from_text(zone.options.name);
  options.lint.forced = zone.options.forced;
  return intel::read_feed(zone.text, options);
}

std::shared_ptr<const policy::Generation> generation_of(const Setting& setting) {
  policy::PolicyInput input;
  input.number = 1;
  input.groups.push_back({.name = "default"});
  for (const ZoneText& zone : setting.zones) {
    auto content = read_zone(zone);
    if (!content) return nullptr;
    input.groups[0].zones.push_back(static_cast<std::uint16_t>(input.zones.size()));
    input.zones.push_back(
        {zone.options, std::make_shared<const policy::ZoneRules>(std::move(content->rules))});
  }
  auto generation = policy::Generation::compile(std::move(input));
  return generation ? *std::move(generation) : nullptr;
}

Octets query_of(const Case& each) {
  // Escapes cannot be written in the words of server::testing; such names go in as they are read.
  const bool has_escapes = each.name.find('\\') != std::string::npos;
  Octets query =
      server::testing::query_of({.name = each.name == "." || has_escapes ? "" : each.name,
                                 .type = each.type,
                                 .flags = each.flags,
                                 .edns = each.edns,
                                 .dnssec_ok = each.dnssec_ok,
                                 .udp_octets = each.udp_octets});
  if (!has_escapes) return query;
  const auto name = Name::from_text(each.name);
  if (!name) return query;
  const auto at = query.begin() + static_cast<std::ptrdiff_t>(dns::kHeaderOctets);
  query.erase(at);
  query.insert(query.begin() + static_cast<std::ptrdiff_t>(dns::kHeaderOctets),
               name->wire().begin(), name->wire().end());
  return query;
}

/// An answer in the words of the files.
class Words {
 public:
  Words(const Case& each, const event::Query& record) : case_(each), record_(record) {}

  std::string of(OctetView message) {
    const auto view = dns::MessageView::parse(message);
    if (!view) return "unreadable";
    text_ = dns::to_string(view->rcode());
    add_flags(*view);
    add_decision(*view);
    view->for_each_record([&](dns::Section section, const dns::Record& record) {
      if (record.type != RRType::opt) add_record(*view, section, record);
      return true;
    });
    return text_;
  }

  std::string of_silence() { return "DROP by " + std::string(record_.zone.view()); }

 private:
  void add_flags(const dns::MessageView& view) {
    const std::pair<std::uint16_t, const char*> flags[] = {
        {dns::flag::aa, " aa"}, {dns::flag::tc, " tc"}, {dns::flag::ad, " ad"}};
    for (const auto& [bit, word] : flags) {
      if (view.header().has(bit)) text_ += word;
    }
    // QR and RA are always set, RD and CD the client's: only what is otherwise is said.
    if (!view.header().has(dns::flag::qr)) text_ += " no-qr";
    if (!view.header().has(dns::flag::ra)) text_ += " no-ra";
    constexpr std::uint16_t kCopied = dns::flag::rd | dns::flag::cd;
    if ((view.header().flags & kCopied) != (case_.flags & kCopied)) text_ += " other-flags";
    if (view.edns().has_value() != case_.edns) text_ += " other-edns";
  }

  /// Which zone decided: by the record of the query, the extended error and the SOA, which must
  /// all say the same.
  void add_decision(const dns::MessageView& view) {
    const std::string zone(record_.zone.view());
    std::string ede;
    std::string ede_text;
    if (view.edns()) {
      if (const auto option = dns::find_option(*view.edns(), dns::EdnsOption::extended_error)) {
        ede = std::to_string(load_u16(option->data()));
        ede_text = std::string(text_of(option->subspan(2)));
      }
    }
    switch (record_.disposition) {
      case event::Disposition::blocked:
        text_ += " by " + zone;
        if (case_.edns && ede != "15") text_ += " ede=" + ede;
        if (case_.edns && !ede_text.starts_with("Blocked by feed " + zone + " (trace ")) {
          text_ += " other-text";
        }
        if (!has_policy_soa(view, zone)) text_ += " no-zone-soa";
        return;
      case event::Disposition::allowed:
        text_ += " passed by " + zone;
        break;
      case event::Disposition::observed:
        text_ += " observed by " + zone;
        break;
      default:
        break;
    }
    if (!ede.empty()) text_ += " ede=" + ede;
  }

  bool has_policy_soa(const dns::MessageView& view, const std::string& zone) const {
    bool found = false;
    view.for_each_record([&](dns::Section section, const dns::Record& record) {
      found = found || is_policy_soa(section, record, zone);
      return true;
    });
    return found;
  }

  static bool is_policy_soa(dns::Section section, const dns::Record& record,
                            const std::string& zone) {
    const auto origin = Name::from_text(zone);
    return section == dns::Section::additional && record.type == RRType::soa && origin &&
           record.owner == *origin;
  }

  void add_record(const dns::MessageView& view, dns::Section section, const dns::Record& record) {
    const std::string rdata =
        dns::rdata_to_text(record.type, view.octets(), record.rdata_offset, record.rdata.size());
    const std::string head = record.owner.to_text() + " " + std::to_string(record.ttl);
    if (is_policy_soa(section, record, std::string(record_.zone.view()))) {
      if (record.ttl != kUsualTtl) text_ += "; zone-soa " + std::to_string(record.ttl);
    } else if (section == dns::Section::authority && record.type == RRType::soa &&
               rdata.starts_with("postern.invalid. ")) {
      text_ += "; soa " + head;
    } else {
      constexpr const char* kSections[] = {"; ", "; ns: ", "; ar: "};
      text_ += kSections[static_cast<int>(section)] + head + " " + dns::to_string(record.type) +
               " " + rdata;
    }
  }

  static constexpr std::uint32_t kUsualTtl = 10;  // Of policy::ZoneOptions.

  const Case& case_;
  const event::Query& record_;
  std::string text_;
};

/// The handler and all around it.
class Play : public resolve::ReplySink, public server::AnswerSink, public event::QuerySink {
 public:
  Play(const Case& each, std::shared_ptr<const policy::Generation> generation)
      : case_(each), resolver_(each.setting->world), policy_(std::move(generation)) {
    server::Settings settings;
    settings.access_allow = {IpPrefix(IpAddress(), 0),
                             IpPrefix(IpAddress::from_octets(std::array<std::uint8_t, 16>{}), 0)};
    settings.min_ns_dots = each.setting->min_ns_dots;
    settings_.publish(std::make_shared<const server::Settings>(settings));
    handler_ = std::make_unique<server::Handler>(server::Handler::Setup{.cache = cache_,
                                                                        .settings = settings_,
                                                                        .policy = policy_,
                                                                        .resolver = resolver_,
                                                                        .replies = *this,
                                                                        .sink = *this,
                                                                        .answers = *this,
                                                                        .seed = 1});
  }

  std::string ask() {
    const Octets query = query_of(case_);
    Octets out(dns::kMaxMessageOctets);
    result_ = "no end";
    const auto handled = handler_->handle(
        {.octets = query, .client = case_.client, .port = 5353, .transport = case_.transport}, {},
        now(), out);
    if (handled.outcome == server::Handler::Outcome::answered) {
      result_ = Words(case_, record_).of(OctetView(out).first(handled.size));
    } else if (handled.outcome == server::Handler::Outcome::silent) {
      result_ = Words(case_, record_).of_silence();
    }
    while (!replies_.empty()) {
      for (resolve::Reply& reply : std::exchange(replies_, {})) {
        handler_->on_reply(std::move(reply), now());
      }
    }
    return result_;
  }

  void deliver(resolve::Reply reply) override { replies_.push_back(std::move(reply)); }
  void answer(const server::ReturnPath&, event::Transport, OctetView message) override {
    result_ = Words(case_, record_).of(message);
  }
  void silence(const server::ReturnPath&, event::Transport) override {
    result_ = Words(case_, record_).of_silence();
  }
  void record(const event::Query& query) override { record_ = query; }

 private:
  static server::Moment now() {
    return {MonoTime(seconds(1000)), WallTime(seconds(1'700'000'000))};
  }

  const Case& case_;
  const cache::Options cache_{};
  Published<server::Settings> settings_{std::make_shared<const server::Settings>()};
  WorldResolver resolver_;
  Published<policy::Generation> policy_;
  std::unique_ptr<server::Handler> handler_;
  std::vector<resolve::Reply> replies_;
  event::Query record_;
  std::string result_;
};

}  // namespace

std::string fault_of_zones(const Setting& setting) {
  std::string faults;
  for (const ZoneText& zone : setting.zones) {
    const auto content = read_zone(zone);
    if (!content) {
      faults += zone.options.name + ": " + content.error().text + "\n";
      continue;
    }
    std::set<std::size_t> left(zone.unread.begin(), zone.unread.end());
    for (const intel::SkippedLine& line : content->skipped) {
      if (left.erase(line.line) == 1) continue;
      faults += zone.options.name + " line " + std::to_string(line.line) + ": " + line.text + "\n";
    }
    for (const std::size_t line : left) {
      faults += zone.options.name + " line " + std::to_string(line) + ": was not skipped\n";
    }
  }
  return faults;
}

std::string play(const Case& each) {
  auto generation = generation_of(*each.setting);
  if (!generation) return "no policy";
  Play world(each, std::move(generation));
  const std::string first = world.ask();
  const std::string again = world.ask();
  return first == again ? first : first + " THEN " + again;
}

}  // namespace postern::rpz_cases
