// For tests: a resolver made of zone text, and an inquiry brought to its end with it.
#pragma once

#include <algorithm>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "dns/message.h"
#include "dns/writer.h"
#include "dns/zone_text.h"
#include "exposure/inquiry.h"
#include "exposure/verdict.h"

namespace postern::exposure::testing {

inline dns::Name name(std::string_view text) {
  const auto name = dns::Name::from_text(text);
  POSTERN_ASSERT(name.has_value());
  return *name;
}

/// Answers as a resolver would of the whole internet, if that were this text: aliases followed,
/// wildcards as RFC 4592 has them, NXDOMAIN only where nothing is below a name. Answers are real
/// messages, read by `read_answer`.
class FakeDns {
 public:
  /// Relative names are below `origin`. A line "!fail NAME" makes all at and below NAME SERVFAIL;
  /// "!secure NAME" makes it signed.
  FakeDns(std::string_view text, const dns::Name& origin) {
    std::string zone;
    while (!text.empty()) {
      const std::size_t end = std::min(text.find('\n'), text.size());
      const std::string_view line = text.substr(0, end);
      text.remove_prefix(std::min(end + 1, text.size()));
      if (line.starts_with("!fail ")) {
        failing_.push_back(name(line.substr(6)));
      } else if (line.starts_with("!secure ")) {
        secure_.push_back(name(line.substr(8)));
      } else {
        zone += std::string(line) + "\n";
      }
    }
    dns::ZoneTextReader reader(zone, origin, 300);
    dns::ZoneRecord record;
    while (reader.next(record) || reader.error()) {
      POSTERN_ASSERT(!reader.error());
      add(record);
    }
  }

  Answer ask(const Question& question) {
    ++asked_;
    const auto is_above = [&](const dns::Name& zone) { return question.name.is_at_or_below(zone); };
    if (std::ranges::any_of(failing_, is_above)) return unknown_answer("SERVFAIL: no authority");
    std::vector<std::uint8_t> buffer(dns::kMaxMessageOctets);
    dns::MessageWriter writer(buffer, buffer.size());
    writer.header(0, dns::flag::qr | dns::flag::ra);
    writer.question({question.name, question.type, dns::RRClass::in});
    dns::Name at = question.name;
    bool is_there = false;
    for (int step = 0; step < 40; ++step) {  // Further than any resolver would go.
      const auto* records = find(at, is_there);
      if (records == nullptr) break;
      const auto alias = records->find(dns::RRType::cname);
      const bool ends = alias == records->end() || question.type == dns::RRType::cname;
      const auto wanted = records->find(question.type);
      if (ends && wanted != records->end()) write(writer, at, question.type, wanted->second);
      if (ends) break;
      write(writer, at, dns::RRType::cname, alias->second);
      std::size_t offset = 0;
      at = *dns::Name::from_wire(alias->second.front(), offset);
    }
    if (!is_there) writer.set_rcode(dns::Rcode::nxdomain);
    return read_answer(writer.message(), question, std::ranges::any_of(secure_, is_above));
  }

  std::size_t asked() const { return asked_; }

 private:
  using Node = std::map<dns::RRType, std::vector<Octets>>;

  void add(const dns::ZoneRecord& record) {
    nodes_[record.owner][record.type].push_back(record.rdata);
    for (dns::Name up = record.owner; !up.is_root(); up = up.without_left(1)) nodes_[up];
  }

  const Node* find(const dns::Name& at, bool& is_there) {
    auto found = nodes_.find(at);
    dns::Name encloser = at;
    while (found == nodes_.end() && !encloser.is_root()) {
      encloser = encloser.without_left(1);
      if (nodes_.contains(encloser)) {
        found = nodes_.find(*encloser.with_prefix(name("*")));
        break;
      }
    }
    is_there = found != nodes_.end();
    return is_there ? &found->second : nullptr;
  }

  static void write(dns::MessageWriter& writer, const dns::Name& owner, dns::RRType type,
                    const std::vector<Octets>& list) {
    for (const Octets& rdata : list) {
      writer.record(dns::Section::answer, {owner, type, dns::RRClass::in, 300, rdata});
    }
  }

  std::map<dns::Name, Node> nodes_;
  std::vector<dns::Name> failing_, secure_;
  std::size_t asked_ = 0;
};

inline Pack built_in() {
  Pack pack;
  const auto read = read_pack(built_in_pack(), "mail.rules", pack);
  POSTERN_ASSERT(read.has_value());
  return pack;
}

/// Asks all that the inquiry wants.
inline void bring_to_end(Inquiry& inquiry, FakeDns& dns) {
  while (true) {
    const auto questions = inquiry.next();
    if (questions.empty()) return;
    for (const Question& question : questions) inquiry.take(question, dns.ask(question));
  }
}

inline Verdict verdict_on(std::string_view zone, std::string_view domain = "v.example") {
  static const Pack pack = built_in();
  FakeDns dns(zone, name(domain));
  Inquiry inquiry(name(domain), pack, {"xnobodymadethis", "xnorthis"});
  bring_to_end(inquiry, dns);
  return judge(inquiry, pack);
}

}  // namespace postern::exposure::testing
