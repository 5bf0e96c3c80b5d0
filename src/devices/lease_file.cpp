#include "devices/lease_file.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <map>
#include <string>
#include <utility>

namespace postern::devices {
namespace {

using policy::DeviceAddress;

/// The leases so far: the last one of an address, if it is anybody's.
class Leases {
 public:
  void take(std::string_view address, std::string_view mac, bool holds) {
    const auto ip = IpAddress::from_text(address);
    if (!ip) return;
    const auto device = MacAddress::from_text(mac);
    if (!holds || !device || device->is_zero()) {
      by_address_.erase(*ip);
    } else if (by_address_.size() < kMaxLeases || by_address_.contains(*ip)) {
      by_address_[*ip] = *device;
    }
  }
  std::vector<DeviceAddress> all() const {
    std::vector<DeviceAddress> all;
    for (const auto& [address, device] : by_address_) all.push_back({address, device});
    return all;
  }

 private:
  std::map<IpAddress, MacAddress> by_address_;
};

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

/// What is before the first of `ends`; the text is then what follows it.
std::string_view take_until(std::string_view& text, std::string_view ends) {
  const std::size_t end = std::min(text.find_first_of(ends), text.size());
  const std::string_view taken = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return taken;
}

std::string_view take_word(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r"), text.size()));
  return take_until(text, " \t\r");
}

std::int64_t seconds_of(WallTime at) {
  return std::chrono::floor<seconds>(at).time_since_epoch().count();
}

// "1772438400 00:1a:2b:3c:4d:5e 192.0.2.7 host *"; an expiry of 0 is none. The part for IPv6 begins
// with "duid …" and has an IAID where the hardware address is here.
void read_dnsmasq(std::string_view text, WallTime now, Leases& leases) {
  while (!text.empty()) {
    std::string_view line = take_until(text, "\n");
    const auto expiry = number_of(take_word(line));
    // Another kind of hardware than Ethernet is written before it: "06-00:1a:…".
    const std::string_view mac = take_word(line);
    if (expiry) leases.take(take_word(line), mac, *expiry == 0 || *expiry > seconds_of(now));
  }
}

/// "4 2026/03/05 12:00:00" in UTC, or "epoch 1772438400", or "never".
std::optional<std::int64_t> isc_time(std::string_view text) {
  const std::string_view first = take_word(text);
  if (first == "never") return std::numeric_limits<std::int64_t>::max();
  if (first == "epoch") return number_of(take_word(text));
  std::string_view date = take_word(text);
  std::string_view time = take_word(text);
  std::array<std::int64_t, 6> parts{};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto number = number_of(i < 3 ? take_until(date, "/") : take_until(time, ":"));
    if (!number || *number < 0 || *number > 9999) return std::nullopt;
    parts[i] = *number;
  }
  const std::chrono::year_month_day day{std::chrono::year(static_cast<int>(parts[0])),
                                        std::chrono::month(static_cast<unsigned>(parts[1])),
                                        std::chrono::day(static_cast<unsigned>(parts[2]))};
  if (!day.ok()) return std::nullopt;
  const auto days = std::chrono::sys_days(day).time_since_epoch();
  return std::chrono::duration_cast<seconds>(days).count() + parts[3] * 3600 + parts[4] * 60 +
         parts[5];
}

/// One "lease ADDRESS { … }": its statements end with ";".
void read_isc_lease(std::string_view address, std::string_view body, WallTime now, Leases& leases) {
  std::string_view mac;
  bool holds = true;
  while (!body.empty()) {
    std::string_view statement = take_until(body, ";\n");
    const std::string_view word = take_word(statement);
    if (word == "hardware" && take_word(statement) == "ethernet") mac = take_word(statement);
    if (word == "binding" && take_word(statement) == "state") {
      holds = holds && take_word(statement) == "active";
    }
    if (word == "ends") {
      const auto ends = isc_time(statement);
      holds = holds && ends && *ends > seconds_of(now);
    }
  }
  leases.take(address, mac, holds);
}

void read_isc(std::string_view text, WallTime now, Leases& leases) {
  while (!text.empty()) {
    std::string_view line = take_until(text, "\n");
    if (take_word(line) != "lease") continue;
    const std::string_view address = take_word(line);
    // Quoted texts may hold a brace; a lease ends where one begins a line.
    const std::size_t end = std::min(text.find("\n}"), text.size());
    read_isc_lease(address, text.substr(0, end), now, leases);
    text.remove_prefix(end);
  }
}

// "address,hwaddr,client_id,valid_lifetime,expire,subnet_id,…,state,…".
void read_kea(std::string_view text, WallTime now, Leases& leases) {
  struct Column {
    std::string_view name;
    std::optional<std::size_t> at{};
  };
  std::array<Column, 4> columns = {{{"address"}, {"hwaddr"}, {"expire"}, {"state"}}};
  bool is_first = true;
  while (!text.empty()) {
    std::string_view line = take_until(text, "\n");
    std::array<std::string_view, 4> values;
    for (std::size_t i = 0; !line.empty(); ++i) {
      std::string_view value = take_until(line, ",\r");
      for (std::size_t column = 0; column < columns.size(); ++column) {
        if (is_first && value == columns[column].name) columns[column].at = i;
        if (columns[column].at == i) values[column] = value;
      }
    }
    if (std::exchange(is_first, false)) continue;
    const auto expire = number_of(values[2]);
    constexpr std::string_view kAssigned = "0";
    const bool holds =
        expire && *expire > seconds_of(now) && (values[3] == kAssigned || !columns[3].at);
    leases.take(values[0], values[1], holds);
  }
}

}  // namespace

std::vector<DeviceAddress> read_leases(std::string_view text, LeaseFormat format, WallTime now) {
  Leases leases;
  switch (format) {
    case LeaseFormat::dnsmasq:
      read_dnsmasq(text, now, leases);
      break;
    case LeaseFormat::isc:
      read_isc(text, now, leases);
      break;
    case LeaseFormat::kea:
      read_kea(text, now, leases);
      break;
  }
  return leases.all();
}

}  // namespace postern::devices
