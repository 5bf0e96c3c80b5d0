#include "feeds/zone_copy.h"

#include <map>
#include <random>
#include <set>
#include <string>
#include <tuple>

#include <gtest/gtest.h>

#include "dns/rdata.h"

namespace postern::feeds {
namespace {

using dns::Name;
using dns::RRType;

constexpr std::string_view kSoa = "ns.example. admin.example. 7 3600 600 86400 60";

Name name(std::string_view text) {
  return Name::from_text(text).value();
}
const Name kOrigin = name("rpz.example");

Result<bool> add(ZoneCopyEditor& editor, std::string_view owner, RRType type, std::string_view data,
                 std::uint32_t ttl = 60) {
  const Octets rdata = dns::rdata_from_text(type, data, Name()).value();
  return editor.add({name(owner), type, ttl, rdata});
}
bool remove(ZoneCopyEditor& editor, std::string_view owner, RRType type, std::string_view data) {
  const Octets rdata = dns::rdata_from_text(type, data, Name()).value();
  return editor.remove({name(owner), type, 0, rdata});
}

ZoneCopy small_zone() {
  ZoneCopyEditor editor(kOrigin, {});
  EXPECT_TRUE(*add(editor, "b.rpz.example", RRType::cname, "."));
  EXPECT_TRUE(*add(editor, "rpz.example", RRType::ns, "ns.example."));
  EXPECT_TRUE(*add(editor, "rpz.example", RRType::soa, kSoa, 300));
  EXPECT_TRUE(*add(editor, "*.b.rpz.example", RRType::cname, "."));
  EXPECT_TRUE(*add(editor, "a.z.rpz.example", RRType::a, "192.0.2.1"));
  EXPECT_TRUE(*add(editor, "aa.rpz.example", RRType::txt, "\"two\" \"words\""));
  return std::move(editor).finish();
}

TEST(ZoneCopy, IsWrittenInCanonicalOrderWithTheSoaFirst) {
  EXPECT_EQ(small_zone().to_text(),
            "$ORIGIN rpz.example.\n"
            "@ 300 IN SOA ns.example. admin.example. 7 3600 600 86400 60\n"
            "@ 60 IN NS ns.example.\n"
            "aa 60 IN TXT \"two\" \"words\"\n"
            "b 60 IN CNAME .\n"
            "*.b 60 IN CNAME .\n"
            "a.z 60 IN A 192.0.2.1\n");
  EXPECT_EQ(small_zone().soa(), (Soa{7, 3600, 600, 86400}));
  EXPECT_EQ(small_zone().record_count(), 6U);
}

TEST(ZoneCopy, ReadsWhatItWrote) {
  ZoneCopyEditor editor(kOrigin, {});
  ASSERT_TRUE(add(editor, "rpz.example", RRType::soa, kSoa));
  // Octets that mean something in text, or in our keys.
  for (const std::string_view owner :
       {"\\@.rpz.example", "\\$TTL.rpz.example", "a\\000b.rpz.example", "\\001.rpz.example",
        "\\000.rpz.example", "a\\.b.rpz.example", "\\255\\032\\;.rpz.example",
        "24.0.2.0.192.rpz-ip.rpz.example"}) {
    ASSERT_TRUE(*add(editor, owner, RRType::cname, "rpz-passthru."));
  }
  ASSERT_TRUE(add(editor, "x.rpz.example", static_cast<RRType>(65280), "\\# 3 010203"));
  const ZoneCopy zone = std::move(editor).finish();
  const std::string text = zone.to_text();
  const auto again = ZoneCopy::from_text(text, kOrigin, {});
  ASSERT_TRUE(again) << again.error().text;
  EXPECT_EQ(again->to_text(), text);
  EXPECT_EQ(again->record_count(), 10U);
}

TEST(ZoneCopy, ADamagedTextIsNoZone) {
  std::string text = small_zone().to_text();
  text.replace(text.find("192.0.2.1"), 9, "192.0.2.x");
  EXPECT_EQ(ZoneCopy::from_text(text, kOrigin, {}).error().code, Errc::corrupt);
}

// It is kept, so that changes fit; as a line of the feed it is skipped and counted.
TEST(ZoneCopy, DataThatIsNotWhatItsTypeSaysIsWrittenInHexadecimal) {
  ZoneCopyEditor editor(small_zone(), {});
  const Octets cut_off = {60, 'x'};
  ASSERT_TRUE(*editor.add({name("bad.rpz.example"), RRType::txt, 60, cut_off}));
  const std::string text = std::move(editor).finish().to_text();
  EXPECT_NE(text.find("\nbad 60 IN TXT \\# 2 3C78\n"), std::string::npos) << text;
  EXPECT_EQ(ZoneCopy::from_text(text, kOrigin, {}).error().code, Errc::corrupt);
}

TEST(ZoneCopy, KnowsWhatIsThere) {
  ZoneCopyEditor editor(small_zone(), {});
  EXPECT_EQ(add(editor, "b.rpz.example", RRType::cname, ".", 999), false) << "another TTL or not";
  EXPECT_EQ(add(editor, "b.rpz.example", RRType::cname, "*."), true);
  EXPECT_FALSE(remove(editor, "c.rpz.example", RRType::cname, "."));
  EXPECT_FALSE(remove(editor, "b.rpz.example", RRType::a, "192.0.2.1"));
  EXPECT_FALSE(remove(editor, "b.example", RRType::cname, "."));
  EXPECT_TRUE(remove(editor, "b.rpz.example", RRType::cname, "."));
  EXPECT_FALSE(remove(editor, "b.rpz.example", RRType::cname, "."));
  EXPECT_EQ(add(editor, "b.example", RRType::cname, ".").error().code, Errc::invalid_input);
}

TEST(ZoneCopy, AChangeLeavesTheOldCopyAsItWas) {
  const ZoneCopy before = small_zone();
  const std::string text = before.to_text();
  ZoneCopyEditor editor(before, {});
  ASSERT_TRUE(remove(editor, "b.rpz.example", RRType::cname, "."));
  ASSERT_TRUE(*add(editor, "c.rpz.example", RRType::cname, "."));
  const ZoneCopy after = std::move(editor).finish();
  EXPECT_EQ(before.to_text(), text);
  EXPECT_NE(after.to_text(), text);
}

TEST(ZoneCopy, BoundsAreKept) {
  ZoneCopyEditor few(kOrigin, {.max_records = 2, .max_octets = 1000});
  ASSERT_TRUE(add(few, "a.rpz.example", RRType::cname, "."));
  ASSERT_TRUE(add(few, "b.rpz.example", RRType::cname, "."));
  EXPECT_EQ(add(few, "b.rpz.example", RRType::cname, "."), false);
  EXPECT_EQ(add(few, "c.rpz.example", RRType::cname, ".").error().code, Errc::limit_exceeded);
  ZoneCopyEditor small(kOrigin, {.max_records = 10, .max_octets = 20});
  ASSERT_TRUE(add(small, "a.rpz.example", RRType::cname, "."));
  const auto over = add(small, "b.rpz.example", RRType::cname, ".");
  ASSERT_FALSE(over);
  EXPECT_NE(over.error().text.find("max_size"), std::string::npos);
}

// The plain twin: a sorted map of texts. Records of all sizes, many of them equal.
TEST(ZoneCopy, DoesAsAPlainMapDoes) {
  std::mt19937 random(7);
  const auto below = [&](std::uint32_t bound) {
    return static_cast<std::uint32_t>(random() % bound);
  };
  using Key = std::tuple<Name, RRType, Octets>;
  std::map<Key, std::uint32_t> twin;
  ZoneCopy zone = std::move(ZoneCopyEditor(kOrigin, {})).finish();
  const auto record_at = [&](std::uint32_t number) {
    const Name owner = name("n" + std::to_string(number % 3000) + ".x" +
                            std::to_string(number % 7) + ".rpz.example");
    // Some fill a chunk by themselves.
    const Octets rdata(number % 97 == 0 ? 5000 + number % 6000 : number % 40,
                       static_cast<std::uint8_t>(number));
    return Key{owner, static_cast<RRType>(1000 + number % 3), rdata};
  };
  for (int round = 0; round < 30; ++round) {
    ZoneCopyEditor editor(zone, {});
    const bool shrinks = round % 3 == 2;
    for (int i = 0; i < 2000; ++i) {
      const Key key = record_at(below(6000));
      const auto& [owner, type, rdata] = key;
      if (below(10) < (shrinks ? 8U : 3U)) {
        ASSERT_EQ(editor.remove({owner, type, 0, rdata}), twin.erase(key) == 1);
      } else {
        const auto ttl = static_cast<std::uint32_t>(i);
        ASSERT_EQ(*editor.add({owner, type, ttl, rdata}), twin.emplace(key, ttl).second);
      }
    }
    zone = std::move(editor).finish();
    ASSERT_EQ(zone.record_count(), twin.size());
    std::string text = "$ORIGIN rpz.example.\n";
    for (const auto& [key, ttl] : twin) {
      const auto& [owner, type, rdata] = key;
      std::string relative = owner.to_display();
      relative.resize(relative.size() - kOrigin.to_display().size() - 1);
      text += relative + " " + std::to_string(ttl) + " IN " + dns::to_string(type) + " " +
              dns::rdata_to_text(type, rdata) + "\n";
    }
    ASSERT_EQ(zone.to_text(), text);
  }
}

// In order and not in order: neither may cost much more memory than what is in it.
TEST(ZoneCopy, IsPacked) {
  constexpr std::uint32_t kRecords = 100'000;
  for (const std::uint32_t step : {1U, 77'773U}) {
    ZoneCopyEditor editor(kOrigin, {});
    const Octets root = {0};
    for (std::uint32_t i = 0; i < kRecords; ++i) {
      const std::uint32_t number =
          1'000'000 + static_cast<std::uint32_t>(std::uint64_t{i} * step % kRecords);
      ASSERT_TRUE(*editor.add({name("bad" + std::to_string(number) + ".example.rpz.example"),
                               RRType::cname, 300, root}));
    }
    const ZoneCopy zone = std::move(editor).finish();
    EXPECT_EQ(zone.record_count(), kRecords);
    EXPECT_LT(zone.memory_octets() / kRecords, 64U);
  }
}

}  // namespace
}  // namespace postern::feeds
