#include "exposure/answer.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "dns/message.h"
#include "dns/rdata.h"
#include "exposure/limits.h"

namespace postern::exposure {
namespace {

using dns::RRType;

/// Octets of a record's presentation form that are kept.
constexpr std::size_t kMaxDataOctets = 4'400;

std::string joined_strings(OctetView rdata) {
  std::string text;
  ByteReader reader(rdata);
  while (reader.ok() && reader.left() > 0 && text.size() < kMaxTextOctets) {
    text += text_of(reader.take(reader.u8()));
  }
  if (text.size() > kMaxTextOctets) text.resize(kMaxTextOctets);
  return text;
}

/// Nothing where the data is not what its type demands.
std::optional<Record> record_of(OctetView message, const dns::Record& from) {
  Record record{.owner = from.owner, .type = from.type, .ttl = from.ttl, .data = {}};
  const OctetView rdata = from.rdata;
  switch (from.type) {
    case RRType::a:
    case RRType::aaaa:
      if (rdata.size() != (from.type == RRType::a ? 4U : 16U)) return std::nullopt;
      record.address = IpAddress::from_octets(rdata);
      break;
    case RRType::mx:
    case RRType::srv:
      if (rdata.size() < (from.type == RRType::mx ? 3U : 7U)) return std::nullopt;
      record.preference = load_u16(rdata.data());
      dns::rdata_target(from.type, message, from, record.target);
      break;
    case RRType::cname:
    case RRType::dname:
    case RRType::ptr:
      if (rdata.empty()) return std::nullopt;
      dns::rdata_target(from.type, message, from, record.target);
      break;
    case RRType::txt:
      record.text = joined_strings(rdata);
      break;
    default:
      break;
  }
  record.data = dns::rdata_to_text(from.type, message, from.rdata_offset, rdata.size());
  if (record.data.size() > kMaxDataOctets) {
    record.data.resize(kMaxDataOctets);
    record.data += "... (" + std::to_string(rdata.size()) + " octets)";
  }
  return record;
}

/// The aliases that lead from `name` on, and where they end. False where they lead in a circle.
bool follow(const dns::MessageView& view, Answer& answer, dns::Name& name) {
  for (std::size_t step = 0; step <= kMaxAliases; ++step) {
    std::optional<Record> next;
    view.for_each_record([&](dns::Section section, const dns::Record& record) {
      if (section != dns::Section::answer) return false;
      const bool is_next = record.type == RRType::cname && record.owner == name;
      if (is_next) next = record_of(view.octets(), record);
      return !next;
    });
    if (!next) return true;
    const auto was_here = [&](const Record& alias) { return alias.owner == next->target; };
    if (next->target == name || std::ranges::any_of(answer.aliases, was_here)) return false;
    name = next->target;
    answer.aliases.push_back(*std::move(next));
  }
  return false;
}

void take_records(const dns::MessageView& view, const dns::Name& name, RRType type,
                  Answer& answer) {
  view.for_each_record([&](dns::Section section, const dns::Record& record) {
    if (section != dns::Section::answer) return false;
    if (record.type != type || record.owner != name) return true;
    if (answer.records.size() >= kMaxRecords) {
      ++answer.left_out;
      return true;
    }
    if (auto read = record_of(view.octets(), record)) answer.records.push_back(*std::move(read));
    return true;
  });
}

}  // namespace

std::string to_string(const Question& question) {
  return dns::to_string(question.type) + " of " + question.name.to_display();
}

Answer unknown_answer(std::string why) {
  Answer answer;
  answer.why = std::move(why);
  return answer;
}

Answer read_answer(OctetView message, const Question& question, bool secure) {
  const auto view = dns::MessageView::parse(message);
  if (!view) return unknown_answer("the answer does not read as a message");
  const dns::Rcode rcode = view->rcode();
  if (rcode != dns::Rcode::noerror && rcode != dns::Rcode::nxdomain) {
    return unknown_answer(dns::to_string(rcode));
  }
  if (view->header().has(dns::flag::tc)) return unknown_answer("the answer is truncated");
  Answer answer;
  answer.secure = secure;
  dns::Name name = question.name;
  if (question.type != RRType::cname && !follow(*view, answer, name)) {
    return unknown_answer("its aliases lead in a circle, or too far");
  }
  take_records(*view, name, question.type, answer);
  answer.outcome = !answer.records.empty()         ? Outcome::data
                   : rcode == dns::Rcode::nxdomain ? Outcome::no_name
                                                   : Outcome::no_data;
  return answer;
}

const Answer* find_answer(const Answers& answers, const Question& question) {
  const auto found = answers.find(question);
  return found == answers.end() ? nullptr : &found->second;
}

}  // namespace postern::exposure
