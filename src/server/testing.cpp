#include "server/testing.h"

#include <sstream>
#include <utility>

#include "base/assert.h"
#include "dns/rdata.h"
#include "dns/writer.h"

namespace postern::server::testing {

namespace {

using dns::Name;
using dns::RRType;

struct Line {
  dns::Section section = dns::Section::answer;
  Name owner;
  std::uint32_t ttl = 0;
  RRType type{};
  Octets rdata;
};

Line line_of(std::string text) {
  Line line;
  if (text.starts_with("ns:")) {
    line.section = dns::Section::authority;
    text.erase(0, 3);
  }
  std::istringstream words(text);
  std::string owner;
  std::string type;
  words >> owner >> line.ttl >> type;
  std::string rdata;
  std::getline(words >> std::ws, rdata);
  line.owner = *Name::from_text(owner);
  line.type = *dns::rr_type_from_text(type);
  line.rdata = *dns::rdata_from_text(line.type, rdata, Name());
  return line;
}

std::string words_of(const dns::Question& question, bool checking_disabled) {
  return question.qname.to_text() + " " + dns::to_string(question.qtype) +
         (checking_disabled ? " cd" : "");
}

}  // namespace

Octets query_of(const Ask& ask) {
  Octets octets(dns::kHeaderOctets);
  store_u16(&octets[0], ask.id);
  store_u16(&octets[2], ask.flags);
  store_u16(&octets[4], 1);
  std::istringstream labels(ask.name);
  for (std::string label; std::getline(labels, label, '.');) {
    octets.push_back(static_cast<std::uint8_t>(label.size()));
    octets.insert(octets.end(), label.begin(), label.end());
  }
  octets.push_back(0);
  const auto put_u16 = [&octets](unsigned value) {
    octets.push_back(static_cast<std::uint8_t>(value >> 8));
    octets.push_back(static_cast<std::uint8_t>(value));
  };
  put_u16(static_cast<unsigned>(ask.type));
  put_u16(static_cast<unsigned>(ask.rr_class));
  if (!ask.edns) return octets;
  store_u16(&octets[10], 1);
  octets.push_back(0);
  put_u16(static_cast<unsigned>(RRType::opt));
  put_u16(ask.udp_octets);
  put_u16(ask.version);
  put_u16(ask.dnssec_ok ? 0x8000 : 0);
  put_u16(0);
  return octets;
}

std::string words_of(OctetView answer) {
  if (answer.empty()) return "none";
  const auto view = dns::MessageView::parse(answer);
  if (!view) return "unreadable";
  std::string words = dns::to_string(view->rcode());
  const std::pair<std::uint16_t, const char*> flags[] = {
      {dns::flag::qr, " qr"}, {dns::flag::aa, " aa"}, {dns::flag::tc, " tc"},
      {dns::flag::rd, " rd"}, {dns::flag::ra, " ra"}, {dns::flag::ad, " ad"},
      {dns::flag::cd, " cd"}};
  for (const auto& [bit, text] : flags) {
    if (view->header().has(bit)) words += text;
  }
  if (view->edns()) {
    words += view->edns()->dnssec_ok ? " do" : "";
    if (const auto ede = dns::find_option(*view->edns(), dns::EdnsOption::extended_error)) {
      words += " ede=" + std::to_string(load_u16(ede->data()));
      if (ede->size() > 2) words += " '" + std::string(text_of(ede->subspan(2))) + "'";
    }
  } else {
    words += " no-edns";
  }
  view->for_each_record([&](dns::Section section, const dns::Record& record) {
    if (record.type == RRType::opt) return true;
    const char* const prefixes[] = {"", "ns:", "ar:"};
    words += std::string(" | ") + prefixes[static_cast<int>(section)] + record.owner.to_text() +
             " " + std::to_string(record.ttl) + " " + dns::to_string(record.type) + " " +
             dns::rdata_to_text(record.type, answer, record.rdata_offset, record.rdata.size());
    return true;
  });
  return words;
}

Octets message_of(const dns::Question& question, dns::Rcode rcode,
                  const std::vector<std::string>& records) {
  Octets buffer(dns::kMaxMessageOctets);
  dns::MessageWriter writer(buffer, buffer.size());
  writer.header(0, dns::flag::qr | dns::flag::ra | dns::flag::rd);
  writer.question(question);
  for (const std::string& text : records) {
    const Line line = line_of(text);
    POSTERN_ASSERT(writer.record(line.section,
                                 {line.owner, line.type, dns::RRClass::in, line.ttl, line.rdata}));
  }
  writer.set_rcode(rcode);
  return {writer.message().begin(), writer.message().end()};
}

void FakeResolver::set(const std::string& question, Canned canned) {
  const std::lock_guard lock(mutex_);
  canned_[question] = std::move(canned);
}

bool FakeResolver::resolve(const resolve::Request& request, resolve::ReplySink& sink) {
  if (full_) return false;
  const Held held{request, &sink};
  {
    const std::lock_guard lock(mutex_);
    asked_.push_back(words_of(request.question, request.checking_disabled));
    if (!immediate_) {
      held_.push_back(held);
      return true;
    }
  }
  if (!try_answer(held)) {
    const std::lock_guard lock(mutex_);
    held_.push_back(held);
  }
  return true;
}

bool FakeResolver::try_answer(const Held& held) {
  Canned canned;
  {
    const std::lock_guard lock(mutex_);
    const auto found = canned_.find(words_of(held.request.question, false));
    if (found == canned_.end()) return false;
    canned = found->second;
  }
  resolve::Reply reply;
  reply.ticket = held.request.ticket;
  reply.message = message_of(held.request.question, canned.rcode, canned.records);
  reply.security = canned.security;
  reply.ede = canned.ede;
  reply.ede_text = canned.ede_text;
  held.sink->deliver(std::move(reply));
  return true;
}

void FakeResolver::answer_all(bool last_first) {
  std::vector<Held> held;
  {
    const std::lock_guard lock(mutex_);
    held = std::exchange(held_, {});
  }
  if (last_first) held = {held.rbegin(), held.rend()};
  for (const Held& each : held) {
    if (try_answer(each)) continue;
    const std::lock_guard lock(mutex_);
    held_.push_back(each);
  }
}

void FakeResolver::stop() {
  std::vector<Held> held;
  {
    const std::lock_guard lock(mutex_);
    held = std::exchange(held_, {});
  }
  for (const Held& each : held) {
    resolve::Reply reply;
    reply.ticket = each.request.ticket;
    reply.message = message_of(each.request.question, dns::Rcode::servfail, {});
    each.sink->deliver(std::move(reply));
  }
}

std::vector<std::string> FakeResolver::asked() const {
  const std::lock_guard lock(mutex_);
  return asked_;
}

std::shared_ptr<const policy::Generation> policy_of(const std::vector<ZoneSpec>& zones,
                                                    std::uint64_t number) {
  policy::PolicyInput input;
  input.number = number;
  input.groups.push_back({.name = "default", .clients = {}, .zones = {}, .answer = {}});
  for (const ZoneSpec& spec : zones) {
    auto rules = std::make_shared<policy::ZoneRules>();
    std::uint32_t line_number = 0;
    for (const auto& each : spec.rules) {
      policy::Rule rule;
      rule.scope = policy::Scope::at_and_below;
      std::string name = each.name;
      const auto colon = name.find(": ");
      for (std::size_t i = 0; colon != std::string::npos && i < policy::kTriggerCount; ++i) {
        const auto trigger = static_cast<policy::Trigger>(i);
        if (name.substr(0, colon) == policy::to_string(trigger)) rule.trigger = trigger;
      }
      if (colon != std::string::npos) name.erase(0, colon + 2);
      if (name.starts_with("=")) {
        rule.scope = policy::Scope::exact;
        name.erase(0, 1);
      } else if (name.starts_with("*.")) {
        rule.scope = policy::Scope::below;
        name.erase(0, 2);
      }
      if (policy::has_prefix(rule.trigger)) {
        rule.prefix = *IpPrefix::from_text(name);
      } else {
        rule.name = *dns::Name::from_text(name);
      }
      rule.action = each.action;
      rule.line = ++line_number;
      std::vector<policy::LocalRecord> records;
      for (const std::string& text : each.local_data) {
        Line line = line_of("x. " + text);
        records.push_back({line.type, line.ttl, std::move(line.rdata)});
      }
      if (rule.action == policy::Action::local_data) {
        rule.data = rules->add_local_data(std::move(records));
      }
      rules->add(rule);
    }
    input.groups[0].zones.push_back(static_cast<std::uint16_t>(input.zones.size()));
    input.zones.push_back({spec.options, std::move(rules)});
  }
  auto generation = policy::Generation::compile(std::move(input));
  POSTERN_ASSERT(generation.has_value());
  return *generation;
}

}  // namespace postern::server::testing
