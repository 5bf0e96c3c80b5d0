// What a query costs to read and an answer to write, and how fast a zone file is read.
#include <random>
#include <string>

#include <benchmark/benchmark.h>

#include "dns/message.h"
#include "dns/writer.h"
#include "dns/zone_text.h"

namespace postern::dns {
namespace {

Name name(std::string_view text) {
  return Name::from_text(text).value();
}

// "WwW.Mail.Example.com. AAAA" with an OPT that has a cookie, as a resolver's client sends it.
Octets query_octets() {
  std::array<std::uint8_t, 512> buffer;
  MessageWriter writer(buffer, buffer.size());
  writer.header(1, flag::rd);
  writer.question({name("www.mail.example.com"), RRType::aaaa, RRClass::in});
  buffer[13] = 'W';
  buffer[17] = 'M';
  const Octets cookie(8, 1);
  const MessageWriter::Option option{EdnsOption::cookie, cookie};
  writer.opt(1232, Rcode::noerror, true, {&option, 1});
  const OctetView message = writer.message();
  return {message.begin(), message.end()};
}

void parse_a_query(benchmark::State& state) {
  const Octets message = query_octets();
  Query query;
  for (auto _ : state) {
    benchmark::DoNotOptimize(parse_query(message, query));
    benchmark::DoNotOptimize(query);
  }
}
BENCHMARK(parse_a_query);

std::size_t write_answer(std::span<std::uint8_t> buffer, const Octets& question,
                         std::size_t question_end) {
  static const Name owner = name("www.mail.example.com");
  static const Name target = name("web.mail.example.com");
  static const Octets address(4, 1);
  MessageWriter writer(buffer, 1232);
  writer.header(1, flag::qr | flag::rd | flag::ra);
  writer.echo_question(question, question_end);
  writer.reserve(11);
  writer.record(Section::answer, {owner, RRType::cname, RRClass::in, 60, target.wire()});
  for (int i = 0; i < 4; ++i) {
    writer.record(Section::answer, {target, RRType::a, RRClass::in, 60, address});
  }
  writer.opt(1232, Rcode::noerror, false, {});
  return writer.size();
}

void write_an_answer_of_five_records(benchmark::State& state) {
  const Octets message = query_octets();
  Query query;
  if (!parse_query(message, query)) return state.SkipWithError("the query does not read");
  std::array<std::uint8_t, 1232> buffer;
  for (auto _ : state) {
    benchmark::DoNotOptimize(write_answer(buffer, message, query.question_end));
  }
}
BENCHMARK(write_an_answer_of_five_records);

void check_an_answer_of_five_records(benchmark::State& state) {
  const Octets message = query_octets();
  Query query;
  if (!parse_query(message, query)) return state.SkipWithError("the query does not read");
  std::array<std::uint8_t, 1232> buffer;
  const std::size_t size = write_answer(buffer, message, query.question_end);
  for (auto _ : state) {
    const auto view = MessageView::parse(OctetView(buffer).first(size));
    benchmark::DoNotOptimize(view);
  }
}
BENCHMARK(check_an_answer_of_five_records);

// A million lines "name CNAME ." as response policy zones have them.
void read_a_policy_zone(benchmark::State& state) {
  std::mt19937 random(1);
  std::string text = "$TTL 60\n@ SOA . . 1 2 3 4 5\n";
  for (int i = 0; i < 1000000; ++i) {
    for (int n = 6 + static_cast<int>(random() % 14); n > 0; --n) {
      text += static_cast<char>('a' + random() % 26);
    }
    text += i % 2 == 0 ? ".com CNAME .\n" : ".example.net CNAME .\n";
  }
  for (auto _ : state) {
    ZoneTextReader reader(text, name("rpz.example"), 60);
    ZoneRecord record;
    std::size_t records = 0;
    while (reader.next(record)) ++records;
    if (records != 1000001) state.SkipWithError("records are missing");
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(state.iterations()) * 1000001);
}
BENCHMARK(read_a_policy_zone)->Unit(benchmark::kMillisecond);

void name_from_text(benchmark::State& state) {
  const std::string text = "www.some-longer-name.example.com";
  for (auto _ : state) benchmark::DoNotOptimize(Name::from_text(text));
}
BENCHMARK(name_from_text);

}  // namespace
}  // namespace postern::dns
