#include "dns/name.h"

#include <random>
#include <set>

#include <gtest/gtest.h>

namespace postern::dns {
namespace {

std::string describe(const Result<Name, NameError>& result) {
  if (!result) return "error: " + std::string(to_string(result.error()));
  return result->to_text();
}

Name name(std::string_view text) {
  return Name::from_text(text).value();
}

Name random_name(std::mt19937& random) {
  Octets wire;
  for (std::size_t labels = random() % 8; labels > 0; --labels) {
    const std::size_t size = 1 + random() % (random() % 8 == 0 ? 63 : 10);
    if (wire.size() + size + 2 > Name::kMaxOctets) break;
    wire.push_back(static_cast<std::uint8_t>(size));
    for (std::size_t i = 0; i < size; ++i) wire.push_back(static_cast<std::uint8_t>(random()));
  }
  wire.push_back(0);
  std::size_t offset = 0;
  return Name::from_wire(wire, offset).value();
}

TEST(Name, FromText) {
  struct Case {
    std::string text;
    std::string want;
  };
  const std::string label63(63, 'a');
  const std::string at_limit = label63 + "." + label63 + "." + label63 + "." + std::string(61, 'b');
  const Case cases[] = {
      // Plain names; the dot at the end is optional.
      {"example.com", "example.com."},
      {"example.com.", "example.com."},
      {".", "."},
      {"a", "a."},
      // Case is folded for ASCII only.
      {"ExAmPlE.CoM", "example.com."},
      {"[\\\\]^_`@{|}~", "[\\\\]^_`\\@{|}~."},
      {"\\200.com", "\\200.com."},
      {"\xc4\x96.com", "\\196\\150.com."},
      // Escapes.
      {"a\\.b.com", "a\\.b.com."},
      {"a\\046b.com", "a\\.b.com."},
      {"\\065.com", "a.com."},
      {"\\000.com", "\\000.com."},
      {"\\255", "\\255."},
      {"a\\ b", "a\\032b."},
      {"a\\", "error: bad escape"},
      {"a\\1", "error: bad escape"},
      {"a\\25", "error: bad escape"},
      {"a\\256", "error: bad escape"},
      {"a\\0x1", "error: bad escape"},
      // Empty labels.
      {"", "error: empty label"},
      {"..", "error: empty label"},
      {".a", "error: empty label"},
      {"a..b", "error: empty label"},
      {"a..", "error: empty label"},
      // Limits: each to the octet.
      {label63 + ".com", label63 + ".com."},
      {"a" + label63 + ".com", "error: label over 63 octets"},
      {std::string(300, 'x'), "error: label over 63 octets"},
      {at_limit, at_limit + "."},
      {at_limit + ".", at_limit + "."},
      {at_limit + "b", "error: name over 255 octets"},
      {at_limit + ".b", "error: name over 255 octets"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(describe(Name::from_text(c.text)), c.want);
  }
}

TEST(Name, FromWire) {
  struct Case {
    Octets message;
    std::size_t offset;
    std::string want;
    std::size_t end;  // Offset afterwards.
  };
  const Case cases[] = {
      // Plain.
      {{0}, 0, ".", 1},
      {{1, 'A', 2, 'b', 'Z', 0}, 0, "a.bz.", 6},
      {{9, 9, 1, 'a', 0, 9}, 2, "a.", 5},
      // Pointers: the offset ends behind the first.
      {{1, 'a', 0, 1, 'b', 0xc0, 0}, 3, "b.a.", 7},
      {{1, 'a', 0, 0xc0, 0, 0xc0, 3, 7}, 5, "a.", 7},
      {{1, 'a', 1, 'b', 0, 0xc0, 2}, 5, "b.", 7},
      // Pointers that do not go backwards.
      {{0xc0, 0}, 0, "error: bad compression pointer", 0},
      {{0xc0, 2, 0}, 0, "error: bad compression pointer", 0},
      {{1, 'a', 0xc0, 0}, 0, "error: bad compression pointer", 0},
      {{1, 'a', 0xc0, 1}, 0, "error: bad compression pointer", 0},
      {{0xc0, 2, 0xc0, 0}, 2, "error: bad compression pointer", 2},
      // Labels that reach into what pointed to them.
      {{3, 'a', 'b', 0xc0, 0, 0}, 3, "error: bad compression pointer", 3},
      {{1, 'a', 1, 0xc0, 0, 0}, 3, "error: bad compression pointer", 3},
      // Cut off.
      {{}, 0, "error: name cut off", 0},
      {{0}, 1, "error: name cut off", 1},
      {{0}, 7, "error: name cut off", 7},
      {{1, 'a'}, 0, "error: name cut off", 0},
      {{2, 'a'}, 0, "error: name cut off", 0},
      {{0, 0xc0}, 1, "error: name cut off", 1},
      // Label types that nobody uses.
      {{0x40, 0}, 0, "error: unknown label type", 0},
      {{0xbf, 0}, 0, "error: unknown label type", 0},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(testing::PrintToString(c.message));
    std::size_t offset = c.offset;
    EXPECT_EQ(describe(Name::from_wire(c.message, offset)), c.want);
    EXPECT_EQ(offset, c.end);
    std::size_t skipped = c.offset;
    EXPECT_EQ(skip_name(c.message, skipped).has_value(), !c.want.starts_with("error"));
    EXPECT_EQ(skipped, c.end);
  }
}

TEST(Name, WireNamesEndAt255Octets) {
  for (std::size_t last = 60; last <= 63; ++last) {
    Octets wire;
    for (const std::size_t size : {std::size_t{63}, std::size_t{63}, std::size_t{63}, last}) {
      wire.push_back(static_cast<std::uint8_t>(size));
      wire.insert(wire.end(), size, 'x');
    }
    wire.push_back(0);
    std::size_t offset = 0;
    const auto read = Name::from_wire(wire, offset);
    EXPECT_EQ(read.has_value(), last <= 61);
    if (read) {
      EXPECT_EQ(read->wire().size(), 194 + last);
    }
    if (!read) {
      EXPECT_EQ(read.error(), NameError::name_too_long);
    }
    EXPECT_EQ(Name::from_labels(wire).has_value(), last <= 61);
  }
}

TEST(Name, NoNameOfAMessageIsInItsHeader) {
  Octets message(12);
  message.insert(message.end(), {1, 'a', 0xc0, 11, 1, 'b', 0xc0, 12});
  for (const std::size_t at : {12U, 16U}) {
    std::size_t offset = at;
    EXPECT_EQ(describe(Name::from_wire(message, offset)), "error: bad compression pointer");
  }
}

// A chain of bare pointers, each to the one before: without a bound each name that points to
// its end would cost thousands of steps.
TEST(Name, AChainOfPointersIsCutShort) {
  Octets message(12);
  message.insert(message.end(), {1, 'a', 0});
  for (std::size_t i = 0; i < 1000; ++i) {
    const std::size_t target = i == 0 ? 12 : message.size() - 2;
    message.push_back(static_cast<std::uint8_t>(0xc0 | (target >> 8)));
    message.push_back(static_cast<std::uint8_t>(target));
    std::size_t offset = message.size() - 2;
    const auto read = Name::from_wire(message, offset);
    EXPECT_EQ(read.has_value(), i + 1 <= Name::kMaxPointers);
    if (!read) {
      EXPECT_EQ(read.error(), NameError::bad_pointer);
    }
  }
}

TEST(Name, AFailedAssignLeavesTheRoot) {
  Name read = name("example.com");
  std::size_t offset = 0;
  EXPECT_FALSE(read.assign_from_wire(Octets{3, 'a', 'b'}, offset));
  EXPECT_EQ(read, Name());
}

TEST(Name, FromLabels) {
  EXPECT_EQ(describe(Name::from_labels(name("www.example.com").wire())), "www.example.com.");
  EXPECT_EQ(describe(Name::from_labels(Octets{1, 'A', 0})), "a.");
  EXPECT_EQ(describe(Name::from_labels({})), "error: name cut off");
  EXPECT_EQ(describe(Name::from_labels(Octets{1, 'a'})), "error: name cut off");
  EXPECT_EQ(describe(Name::from_labels(Octets{5, 'a'})), "error: name cut off");
  EXPECT_EQ(describe(Name::from_labels(Octets{0, 0})), "error: octets behind the name");
  EXPECT_EQ(describe(Name::from_labels(Octets{0xc0, 0})), "error: unknown label type");
}

TEST(Name, RandomNamesSurviveTextAndWire) {
  std::mt19937 random(1);
  for (int i = 0; i < 20000; ++i) {
    const Name want = random_name(random);
    ASSERT_EQ(Name::from_text(want.to_text()), want) << want.to_text();
    ASSERT_EQ(Name::from_text(want.to_display()), want);
    std::size_t offset = 0;
    ASSERT_EQ(Name::from_wire(want.wire(), offset), want);
    ASSERT_EQ(offset, want.wire().size());
    ASSERT_EQ(Name::from_labels(want.wire()), want);
  }
}

TEST(Name, LowersAsTheObviousLoopDoes) {
  std::mt19937 random(2);
  for (int i = 0; i < 20000; ++i) {
    Octets wire = {static_cast<std::uint8_t>(1 + random() % 63)};
    Octets want = wire;
    for (std::size_t at = 0; at < wire[0]; ++at) {
      const auto octet = static_cast<std::uint8_t>(random());
      wire.push_back(octet);
      want.push_back(octet >= 'A' && octet <= 'Z' ? static_cast<std::uint8_t>(octet - 'A' + 'a')
                                                  : octet);
    }
    wire.push_back(0);
    want.push_back(0);
    std::size_t offset = 0;
    const Name read = Name::from_wire(wire, offset).value();
    ASSERT_EQ(Octets(read.wire().begin(), read.wire().end()), want);
  }
}

TEST(Name, ExpandKeepsTheCase) {
  const Octets message = {3, 'C', 'o', 'M', 0, 1, 'A', 0xc0, 0};
  std::array<std::uint8_t, Name::kMaxOctets> out;
  std::size_t offset = 5;
  const std::size_t size = expand_name(message, offset, out).value();
  EXPECT_EQ(Octets(out.begin(), out.begin() + static_cast<std::ptrdiff_t>(size)),
            (Octets{1, 'A', 3, 'C', 'o', 'M', 0}));
  EXPECT_EQ(offset, message.size());
}

TEST(Name, AtOrBelow) {
  struct Case {
    std::string_view name;
    std::string_view ancestor;
    bool want;
  };
  const Case cases[] = {
      {"example.com", "example.com", true},
      {"www.example.com", "example.com", true},
      {"example.com", ".", true},
      {".", ".", true},
      {".", "com", false},
      {"com", "example.com", false},
      // The end of a label is not a label.
      {"badexample.com", "example.com", false},
      {"x\\.com", "com", false},
      // Nor are octets that happen to look like labels.
      {"a\\003com", "com", false},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.name);
    EXPECT_EQ(name(c.name).is_at_or_below(name(c.ancestor)), c.want);
  }
}

TEST(Name, Parts) {
  const Name www = name("www.example.com");
  EXPECT_EQ(www.label_count(), 3U);
  EXPECT_EQ(Name().label_count(), 0U);
  EXPECT_EQ(www.without_left(0), www);
  EXPECT_EQ(www.without_left(1), name("example.com"));
  EXPECT_EQ(www.without_left(3), Name());
  EXPECT_EQ(name("example.com").with_prefix(name("www")), www);
  EXPECT_EQ(Name().with_prefix(www), www);
  EXPECT_EQ(www.with_prefix(Name()), www);
  const Name longest = name(std::string(63, 'a') + "." + std::string(63, 'a') + "." +
                            std::string(63, 'a') + "." + std::string(61, 'a'));
  EXPECT_EQ(longest.label_count(), 4U);
  EXPECT_EQ(longest.with_prefix(name("a")).error(), NameError::name_too_long);
  EXPECT_EQ(Name().with_prefix(longest), longest);
  EXPECT_EQ(www.to_display(), "www.example.com");
  EXPECT_EQ(Name().to_display(), ".");
}

// The order of the example in RFC 4034 §6.1, and prefixes of labels.
TEST(Name, CanonicalOrder) {
  const Name ordered[] = {Name(),
                          name("example"),
                          name("a.example"),
                          name("yljkjljk.a.example"),
                          name("z.a.example"),
                          name("zabc.a.example"),
                          name("z.example"),
                          name("\\001.z.example"),
                          name("*.z.example"),
                          name("\\200.z.example"),
                          name("examplea")};
  for (std::size_t i = 0; i < std::size(ordered); ++i) {
    for (std::size_t j = 0; j < std::size(ordered); ++j) {
      EXPECT_EQ(ordered[i] <=> ordered[j], i <=> j)
          << ordered[i].to_text() << " " << ordered[j].to_text();
    }
  }
}

TEST(Name, HashIsOfTheName) {
  std::mt19937 random(3);
  std::set<Name> names;
  std::set<std::size_t> hashes;
  for (int i = 0; i < 5000; ++i) {
    const Name one = random_name(random);
    EXPECT_EQ(NameHash()(one), NameHash()(Name::from_text(one.to_text()).value()));
    names.insert(one);
    hashes.insert(NameHash()(one));
  }
  EXPECT_EQ(hashes.size(), names.size());
}

}  // namespace
}  // namespace postern::dns
