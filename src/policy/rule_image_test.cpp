#include "policy/rule_image.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <random>
#include <string>

#include <gtest/gtest.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "policy/extract.h"
#include "policy/generation.h"
#include "policy/image_writer.h"
#include "policy/testing.h"

namespace postern::policy {
namespace {

dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

/// A bit of everything.
ZoneRules rich_zone() {
  ZoneRules rules;
  rules.set_closest_encloser(true);
  rules.set_soa({name("rpz.example"), 60, Octets(22, 1)});
  const auto one = rules.add_local_data({{dns::RRType::a, 5, Octets{192, 0, 2, 1}}});
  const auto two = rules.add_local_data(
      {{dns::RRType::a, 6, Octets{192, 0, 2, 2}}, {dns::RRType::txt, 7, Octets{1, 'x'}}});
  std::uint32_t line = 0;
  for (const char* owner : {"bad.example", "worse.example", "a.b.c.example", ".", "com", "b.com"}) {
    rules.add({.name = name(owner), .action = Action::nxdomain, .line = ++line});
    rules.add({.name = name(owner), .scope = Scope::below, .action = Action::drop, .line = ++line});
  }
  rules.add({.name = name("data.example"), .action = Action::local_data, .line = 90, .data = one});
  rules.add({.name = name("data.example"), .action = Action::local_data, .line = 91, .data = two});
  rules.add({.name = name("ns.example"), .trigger = Trigger::nsdname, .line = 4'000'000'000});
  rules.set_sharing(Sharing::green);
  const auto note = rules.add_note({.valid_until_s = 5, .confidence = 80});
  const auto other = rules.add_note({.first_seen_s = 7, .sharing = Sharing::amber});
  rules.add({.name = name("noted.example"), .line = 95, .note = note});
  rules.add({.name = name("noted.example"), .line = 96, .note = other});
  rules.add({.name = name("noted.example"), .line = 97, .note = other});
  rules.add({.prefix = IpPrefix::from_text("198.51.100.0/24").value(),
             .trigger = Trigger::response_ip,
             .note = other});
  for (const Trigger trigger : {Trigger::client_ip, Trigger::response_ip, Trigger::nsip}) {
    for (const char* prefix : {"192.0.2.0/24", "0.0.0.0/0", "2001:db8::/32", "::/0"}) {
      rules.add({.prefix = IpPrefix::from_text(prefix).value(),
                 .trigger = trigger,
                 .action = Action::local_data,
                 .line = ++line,
                 .data = two});
    }
  }
  return rules;
}

std::string text_of_rule(const Rule& rule, std::span<const LocalRecord> data) {
  std::string text = std::string(to_string(rule.trigger)) + " " + rpz_owner(rule).to_text() + " " +
                     std::to_string(static_cast<int>(rule.scope)) + " " +
                     std::string(to_string(rule.action)) + " " +
                     std::to_string(static_cast<int>(rule.rank)) + " " + std::to_string(rule.line) +
                     (rule.note == kNoNote ? "" : " noted");
  for (const LocalRecord& record : data) {
    text += " " + std::to_string(static_cast<int>(record.type)) + "/" + std::to_string(record.ttl) +
            "/" + std::to_string(record.rdata.size()) + "/" + std::to_string(record.rdata[0]);
  }
  return text;
}

std::shared_ptr<const Octets> octets_of_image(std::span<const ZoneContent> zones) {
  return std::make_shared<const Octets>(build_image(zones, 42).value());
}

std::shared_ptr<const Generation> frame(const std::shared_ptr<const RuleImage>& image) {
  return Generation::create(testing::frame_of(*image), {image}).value();
}

TEST(RuleImage, GivesBackEveryRuleAndWhatIsSaidOfTheZones) {
  const ZoneRules rich = rich_zone();
  ZoneRules poor;
  poor.add({.name = name("bad.example"), .rank = Rank::important_pass});
  const ZoneContent zones[] = {{"rich", "sha256:1", &rich}, {"poor", "", &poor}};
  const auto octets = octets_of_image(zones);
  const auto image = RuleImage::open(*octets, octets).value();
  ASSERT_EQ(image->zones().size(), 2U);
  EXPECT_EQ(image->rule_count(), rich.size() + 1);
  EXPECT_EQ(image->zones()[0].name, "rich");
  EXPECT_EQ(image->zones()[0].source, "sha256:1");
  EXPECT_TRUE(image->zones()[0].closest_encloser);
  EXPECT_FALSE(image->zones()[1].closest_encloser);
  ASSERT_TRUE(image->zones()[0].soa.has_value());
  EXPECT_EQ(image->zones()[0].soa->origin, name("rpz.example"));
  EXPECT_EQ(image->zones()[0].soa->ttl, 60U);
  EXPECT_EQ(image->zones()[0].soa->rdata, Octets(22, 1));
  EXPECT_FALSE(image->zones()[1].soa.has_value());
  EXPECT_EQ(image->zones()[0].rule_count(), rich.size());
  EXPECT_EQ(image->zones()[0].counts[static_cast<std::size_t>(Trigger::nsip)], 4U);

  const auto from = frame(image);
  const ZoneRules* const sources[] = {&rich, &poor};
  for (std::uint16_t zone = 0; zone < 2; ++zone) {
    std::vector<std::string> want;
    std::vector<std::string> got;
    const ZoneRules& rules = *sources[zone];
    for (std::size_t i = 0; i < rules.size(); ++i) {
      const Rule rule = rules.at(i);
      const bool has_data = rule.action == Action::local_data;
      want.push_back(
          text_of_rule(rule, has_data ? rules.local_data(rule.data) : std::vector<LocalRecord>{}));
    }
    from->for_each_rule(zone, [&](const Rule& rule, std::span<const LocalRecord> data) {
      got.push_back(text_of_rule(rule, data));
    });
    std::ranges::sort(want);
    std::ranges::sort(got);
    EXPECT_EQ(got, want);
  }
}

/// All rules of a zone of a generation, in text and sorted.
std::vector<std::string> all_of(const Generation& from, std::uint16_t zone) {
  std::vector<std::string> all;
  from.for_each_rule(zone, [&](const Rule& rule, std::span<const LocalRecord> data) {
    all.push_back(text_of_rule(rule, data));
  });
  std::ranges::sort(all);
  return all;
}

TEST(RuleImage, BuiltAnewFromItselfDecidesTheSame) {
  const ZoneRules rich = rich_zone();
  ZoneRules twice;
  for (std::uint32_t line = 1; line <= 5; ++line) {
    twice.add({.name = name("a"),
               .scope = line % 2 == 0 ? Scope::below : Scope::at_and_below,
               .action = static_cast<Action>(line),
               .line = line});
  }
  const ZoneContent zones[] = {{"rich", "", &rich}, {"twice", "", &twice}, {"third", "", &rich}};
  const auto octets = octets_of_image(zones);
  const auto image = RuleImage::open(*octets, octets).value();
  const std::uint16_t wanted[] = {2, 1};
  const std::vector<ZoneRules> extracted = extract_rules(*image, wanted);
  ASSERT_EQ(extracted.size(), 2U);
  EXPECT_TRUE(extracted[0].closest_encloser());
  EXPECT_EQ(extracted[0].soa()->origin, name("rpz.example"));
  EXPECT_EQ(extracted[0].local_data_count(), 2U);
  const ZoneContent again[] = {{"third", "", &extracted[0]}, {"twice", "", &extracted[1]}};
  const auto other_octets = octets_of_image(again);
  const auto other = frame(RuleImage::open(*other_octets, other_octets).value());
  const auto first = frame(image);
  EXPECT_EQ(all_of(*other, 0), all_of(*first, 2));
  EXPECT_EQ(all_of(*other, 1), all_of(*first, 1));
  const auto explained = [&](const Generation& from, std::uint16_t zone) {
    std::string text;
    for (const Match& match : from.explain(0, name("x.a"))) {
      if (match.zone == zone) text += std::to_string(match.line) + " ";
    }
    return text;
  };
  EXPECT_EQ(explained(*first, 1), "1 3 5 2 4 ");
  EXPECT_EQ(explained(*other, 1), "1 3 5 2 4 ");
}

TEST(RuleImage, OfTheSameRulesIsTheSameToTheOctet) {
  const ZoneRules rules = rich_zone();
  const ZoneContent zone{"z", "", &rules};
  EXPECT_EQ(*octets_of_image({&zone, 1}), *octets_of_image({&zone, 1}));
}

TEST(RuleImage, AFlippedBitAnywhereIsRefused) {
  const ZoneRules rules = rich_zone();
  const ZoneContent zone{"z", "", &rules};
  const auto good = octets_of_image({&zone, 1});
  ASSERT_TRUE(RuleImage::open(*good, good).has_value());
  for (std::size_t at = 0; at < good->size(); ++at) {
    auto bad = std::make_shared<Octets>(*good);
    (*bad)[at] ^= static_cast<std::uint8_t>(1U << (at % 8));
    const auto opened = RuleImage::open(*bad, bad);
    ASSERT_FALSE(opened.has_value()) << at;
    ASSERT_EQ(opened.error().code, Errc::corrupt);
  }
}

TEST(RuleImage, ATruncatedOrLengthenedOneIsRefused) {
  const ZoneRules rules = rich_zone();
  const ZoneContent zone{"z", "", &rules};
  const auto good = octets_of_image({&zone, 1});
  for (std::size_t size = 0; size < good->size(); size += 7) {
    EXPECT_FALSE(RuleImage::open(OctetView(*good).first(size), good).has_value()) << size;
  }
  auto longer = std::make_shared<Octets>(*good);
  longer->push_back(0);
  const auto opened = RuleImage::open(*longer, longer);
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().text.find("octets instead of"), std::string::npos);
}

TEST(RuleImage, CountsThatCannotBeAreRefused) {
  const ZoneRules rules = rich_zone();
  const ZoneContent zone{"z", "s", &rules};
  auto made = std::make_shared<Octets>(*octets_of_image({&zone, 1}));
  image::Header header;
  std::memcpy(&header, made->data(), sizeof header);
  // Behind the number of zones, name and source with their sizes, two octets and a time: the first
  // count.
  const std::size_t at = header.parts[0].offset + 4 + 3 + 3 + 2 + 4;
  store_u32(made->data() + at, 0xffffffff);
  header.check =
      XXH3_64bits(made->data() + image::kCheckedFrom, made->size() - image::kCheckedFrom);
  std::memcpy(made->data(), &header, sizeof header);
  const auto opened = RuleImage::open(*made, made);
  ASSERT_FALSE(opened.has_value());
  EXPECT_NE(opened.error().text.find("the number of rules"), std::string::npos);
}

// So that no name takes long to look up, whoever made the image.
TEST(RuleImage, BucketsThatAreOutOfOrderAreRefused) {
  const ZoneRules rules = rich_zone();
  const ZoneContent zone{"z", "s", &rules};
  const auto good = octets_of_image({&zone, 1});
  image::Header header;
  std::memcpy(&header, good->data(), sizeof header);
  const image::Extent& buckets = header.parts[static_cast<std::size_t>(image::Part::qname_buckets)];
  ASSERT_GE(buckets.size, 2 * sizeof(image::Bucket));
  for (std::size_t at = 0; at < buckets.size; at += sizeof(image::Bucket)) {
    auto made = std::make_shared<Octets>(*good);
    const std::uint32_t begin = 0x7fffffff;
    std::memcpy(made->data() + buckets.offset + at, &begin, sizeof begin);
    header.check =
        XXH3_64bits(made->data() + image::kCheckedFrom, made->size() - image::kCheckedFrom);
    std::memcpy(made->data(), &header, sizeof header);
    const auto opened = RuleImage::open(*made, made);
    ASSERT_FALSE(opened.has_value()) << at;
    EXPECT_NE(opened.error().text.find("buckets"), std::string::npos);
  }
}

TEST(RuleImage, AnotherVersionSaysSo) {
  const ZoneRules rules;
  const ZoneContent zone{"z", "", &rules};
  auto other = std::make_shared<Octets>(*octets_of_image({&zone, 1}));
  (*other)[offsetof(image::Header, version)] = 99;
  const auto opened = RuleImage::open(*other, other);
  ASSERT_FALSE(opened.has_value());
  EXPECT_EQ(opened.error().text, "the rule image has format 99, this program reads 3");
}

// What the configuration says may change while the rules stay as they are.
TEST(RuleImage, AFrameMayHaveOtherZonesInAnotherOrder) {
  ZoneRules a, b, c;
  a.add({.name = name("x.example"), .action = Action::drop, .line = 1});
  b.add({.name = name("x.example"), .action = Action::nodata, .line = 2});
  b.set_soa({name("b.rpz"), 60, Octets(22, 1)});
  b.add({.prefix = IpPrefix::from_text("192.0.2.0/24").value(),
         .trigger = Trigger::response_ip,
         .line = 3});
  c.add({.name = name("y.example"), .line = 4});
  const ZoneContent zones[] = {{"a", "", &a}, {"b", "", &b}, {"c", "", &c}};
  const auto octets = octets_of_image(zones);
  PolicyFrame frame;
  frame.zones = {{.name = "new"}, {.name = "b", .ttl_s = 77}, {.name = "a"}};
  frame.rules_at = {{}, {0, 1}, {0, 0}};
  frame.groups = {{.name = "all", .zones = {0, 1, 2}}, {.name = "some", .zones = {2, 0}}};
  const auto from =
      Generation::create(std::move(frame), {RuleImage::open(*octets, octets).value()}).value();
  EXPECT_EQ(from->rule_count(), 3U);
  const Verdict verdict = from->decide(0, name("x.example"));
  EXPECT_EQ(verdict.zone, 1U);
  EXPECT_EQ(from->line(verdict), 2U);
  EXPECT_EQ(from->plan(0, verdict).zone->ttl_s, 77U);
  ASSERT_NE(from->plan(0, verdict).soa, nullptr);
  EXPECT_EQ(from->plan(0, verdict).soa->origin, name("b.rpz"));
  EXPECT_EQ(from->decide(1, name("x.example")).zone, 2U);
  EXPECT_FALSE(from->decide(0, name("y.example")).matched) << "in force for nobody";
  EXPECT_TRUE(from->explain(0, name("y.example")).empty());
  EXPECT_EQ(from->explain(0, name("x.example")).front().zone, 1U);
  const auto address = IpAddress::v4(192, 0, 2, 1);
  EXPECT_EQ(from->decide(0, Trigger::response_ip, address).zone, 1U);
  EXPECT_FALSE(from->decide(1, Trigger::response_ip, address).matched);
  EXPECT_FALSE(from->may_precede(1, Trigger::response_ip, {}));
  const auto count = [&](std::uint16_t zone) {
    int rules = 0;
    from->for_each_rule(zone, [&](const Rule&, std::span<const LocalRecord>) { ++rules; });
    return rules;
  };
  EXPECT_EQ(count(0), 0);
  EXPECT_EQ(count(1), 2);
  EXPECT_EQ(count(2), 1);
}

// More kinds of postings than fit one octet each, and lines in any order.
TEST(RuleImage, HoldsManyZonesOfManyKinds) {
  constexpr std::size_t kZones = 400;
  std::mt19937 random(7);
  std::vector<ZoneRules> rules(kZones);
  std::vector<std::string> names;
  std::vector<ZoneContent> zones;
  for (std::size_t i = 0; i < kZones; ++i) names.push_back("z" + std::to_string(i));
  for (std::size_t i = 0; i < kZones; ++i) {
    rules[i].add({.name = name("shared.example"), .line = static_cast<std::uint32_t>(random())});
    rules[i].add({.name = name(names[i] + ".example"),
                  .scope = static_cast<Scope>(i % 3),
                  .action = static_cast<Action>(i % 7),
                  .line = static_cast<std::uint32_t>(random())});
    zones.push_back({names[i], "", &rules[i]});
  }
  const auto octets = octets_of_image(zones);
  const auto from = frame(RuleImage::open(*octets, octets).value());
  const auto matches = from->explain(0, name("shared.example"));
  ASSERT_EQ(matches.size(), kZones);
  for (std::size_t i = 0; i < kZones; ++i) {
    EXPECT_EQ(matches[i].zone, i);
    EXPECT_EQ(matches[i].line, rules[i].line_at(0));
    const Verdict verdict = from->decide(0, name("a." + names[i] + ".example"));
    ASSERT_EQ(verdict.matched, i % 3 != 0);
    if (!verdict.matched) continue;
    EXPECT_EQ(verdict.zone, i);
    EXPECT_EQ(verdict.action, static_cast<Action>(i % 7));
    EXPECT_EQ(from->line(verdict), rules[i].line_at(1));
  }
}

}  // namespace
}  // namespace postern::policy
