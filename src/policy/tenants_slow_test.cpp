// Five hundred tenants with exceptions of their own over a million rules that they share: what they
// cost in memory above one tenant, and that each has its own verdicts.
#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "policy/image_writer.h"
#include "policy/in_force.h"

namespace postern::policy {
namespace {

constexpr std::size_t kRules = 1'000'000;
constexpr std::size_t kTenants = 500;
constexpr std::size_t kOwnNames = 40;
constexpr std::size_t kMaxOctetsMore = 64U << 20;

const WallTime kNow{seconds(1'700'000'000)};

dns::Name rule_name(std::size_t i) {
  return *dns::Name::from_text(fmt::format("host{}.example{}.test", i, i % 997));
}

std::size_t resident_octets() {
  std::size_t size = 0;
  std::size_t resident = 0;
  std::ifstream("/proc/self/statm") >> size >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::shared_ptr<const RuleImage> shared_image() {
  auto rules = std::make_shared<ZoneRules>();
  for (std::size_t i = 0; i < kRules; ++i) {
    rules->add({.name = rule_name(i), .scope = Scope::at_and_below});
  }
  const ZoneContent content{"feed", "", rules.get()};
  const auto octets = std::make_shared<const Octets>(build_image({&content, 1}, 42).value());
  return RuleImage::open(*octets, octets).value();
}

std::shared_ptr<const Generation> framed(const std::shared_ptr<const RuleImage>& image,
                                         std::size_t tenants) {
  PolicyFrame frame;
  frame.zones.push_back({.name = "feed"});
  frame.rules_at.push_back({0, 0});
  frame.groups.push_back({.name = "default", .zones = {0}});
  for (std::size_t t = 0; t < tenants; ++t) {
    const auto high = static_cast<std::uint8_t>(t >> 8);
    frame.groups.push_back(
        {.name = fmt::format("group{}", t),
         .clients = {IpPrefix(IpAddress::v4(10, high, static_cast<std::uint8_t>(t), 0), 24)},
         .zones = {0},
         .tenant = fmt::format("tenant{}", t)});
  }
  return Generation::create(std::move(frame), {image}).value();
}

/// The `i`th name that a tenant allows; the odd ones all tenants do.
dns::Name own_name(std::size_t tenant, std::size_t i) {
  return rule_name(i % 2 == 1 ? i : tenant * 1000 + i);
}

std::shared_ptr<const ExceptionTable> own_lists(std::size_t tenants) {
  std::vector<Exception> all;
  for (std::size_t t = 0; t < tenants; ++t) {
    for (std::size_t i = 0; i < kOwnNames; ++i) {
      all.push_back(
          {.name = own_name(t, i),
           .scope = Scope::at_and_below,
           .audience = {.kind = Audience::Kind::tenant, .name = fmt::format("tenant{}", t)},
           .owner = "configuration"});
    }
  }
  return ExceptionTable::create(all, {.name = "exceptions"}, 42).value();
}

TEST(FiveHundredTenants, ShareOneImageAndHaveTheirOwnVerdicts) {
  const auto image = shared_image();
  const auto one = framed(image, 1);
  const auto one_list = own_lists(1);
  const std::size_t before = resident_octets();
  const auto all = framed(image, kTenants);
  const auto lists = own_lists(kTenants);
  const std::size_t after = resident_octets();
  const std::size_t more = after > before ? after - before : 0;
  std::printf(
      "%zu tenants with %zu names each over %zu rules: %zu KiB resident more than one; the "
      "table of their names has %zu KiB, the shared image %zu KiB\n",
      kTenants, kOwnNames, kRules, more >> 10, lists->memory_octets() >> 10,
      image->size_octets() >> 10);
  EXPECT_LE(more, kMaxOctetsMore);
  EXPECT_EQ(lists->size(), kTenants * kOwnNames);

  const InForce in_force(*all, *lists);
  for (std::size_t t = 0; t < kTenants; ++t) {
    const auto high = static_cast<std::uint8_t>(t >> 8);
    const IpAddress client = IpAddress::v4(10, high, static_cast<std::uint8_t>(t), 7);
    const Asking asking{.group = all->group_of(client), .client = client, .now = kNow};
    for (std::size_t i = 0; i < kOwnNames; ++i) {
      ASSERT_TRUE(in_force.decide(asking, own_name(t, i)).allows()) << t << " " << i;
    }
    // The even names are theirs alone.
    ASSERT_TRUE(in_force.decide(asking, own_name((t + 1) % kTenants, 2)).blocks()) << t;
  }
}

}  // namespace
}  // namespace postern::policy
