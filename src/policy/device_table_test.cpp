#include "policy/device_table.h"

#include <gtest/gtest.h>

#include "policy/in_force.h"
#include "policy/testing.h"

namespace postern::policy {
namespace {

IpAddress ip(std::string_view text) {
  return IpAddress::from_text(text).value();
}
MacAddress mac(std::string_view text) {
  return MacAddress::from_text(text).value();
}

TEST(DeviceTable, KnowsWhoHasAnAddress) {
  const auto table = DeviceTable::create({{ip("2001:db8::7"), mac("02:00:00:00:00:01")},
                                          {ip("192.0.2.9"), mac("02:00:00:00:00:02")},
                                          {ip("192.0.2.7"), mac("02:00:00:00:00:01")},
                                          {ip("192.0.2.9"), mac("02:00:00:00:00:03")}});
  EXPECT_EQ(table->size(), 3U);
  EXPECT_EQ(table->find(ip("192.0.2.7")), mac("02:00:00:00:00:01"));
  EXPECT_EQ(table->find(ip("2001:db8::7")), mac("02:00:00:00:00:01"));
  EXPECT_EQ(table->find(ip("192.0.2.9")), mac("02:00:00:00:00:02"));
  EXPECT_EQ(table->find(ip("192.0.2.8")), std::nullopt);
  EXPECT_EQ(DeviceTable::none()->find(ip("192.0.2.7")), std::nullopt);
}

TEST(DeviceTable, ADeviceIsInItsGroupWhateverItsAddress) {
  PolicyInput input;
  input.groups = {{.name = "default"},
                  {.name = "lan", .clients = {IpPrefix::from_text("192.0.2.0/24").value()}},
                  {.name = "tv", .devices = {mac("02:00:00:00:00:01")}},
                  {.name = "kids", .client_ids = {*ClientId::from_text("tablet")}}};
  const auto generation = Generation::compile(std::move(input)).value();
  const auto devices = DeviceTable::create({{ip("192.0.2.7"), mac("02:00:00:00:00:01")},
                                            {ip("198.51.100.7"), mac("02:00:00:00:00:01")},
                                            {ip("192.0.2.8"), mac("02:00:00:00:00:02")}});
  const auto exceptions = ExceptionTable::none();
  const InForce with(*generation, *exceptions, devices.get());
  const auto group = [&](const InForce& in_force, std::string_view client) {
    return generation->groups()[in_force.group_of(ip(client), {})].name;
  };
  EXPECT_EQ(group(with, "192.0.2.7"), "tv");
  EXPECT_EQ(group(with, "198.51.100.7"), "tv");
  EXPECT_EQ(group(with, "192.0.2.8"), "lan") << "a device of no group is where its address is";
  // What is said of the client counts before what its address tells.
  const auto group_said = [&](std::string_view id, std::string_view device) {
    Identity said{.id = ClientId::from_text(id)};
    if (!device.empty()) said.device = mac(device);
    return generation->groups()[with.own_group_of(ip("192.0.2.7"), said)].name;
  };
  EXPECT_EQ(group_said("", ""), "tv");
  EXPECT_EQ(group_said("tablet", ""), "kids");
  EXPECT_EQ(group_said("Tablet", ""), "tv");
  EXPECT_EQ(group_said("tablet", "02:00:00:00:00:01"), "kids");
  EXPECT_EQ(group_said("unknown", "02:00:00:00:00:99"), "lan");
  EXPECT_EQ(group(with, "192.0.2.9"), "lan");
  EXPECT_EQ(group(with, "198.51.100.8"), "default");
  EXPECT_EQ(group(InForce(*generation, *exceptions), "192.0.2.7"), "lan");
}

TEST(DeviceTable, ADeviceOfTwoGroupsIsAMistake) {
  PolicyInput input;
  input.groups = {{.name = "default"},
                  {.name = "a", .devices = {mac("02:00:00:00:00:01")}},
                  {.name = "b", .devices = {mac("02:00:00:00:00:01")}}};
  const auto generation = Generation::compile(std::move(input));
  ASSERT_FALSE(generation);
  EXPECT_NE(generation.error().text.find("02:00:00:00:00:01"), std::string::npos)
      << generation.error().text;
}

}  // namespace
}  // namespace postern::policy
