// What the journal's tests share: records, a scratch folder, a look into the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

#include <gtest/gtest.h>
#include <stdlib.h>

#include "event/query.h"
#include "sqlite/sqlite.h"

namespace postern::journal::testing {

using sqlite::Database;

/// A folder that goes with the object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "postern-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

inline dns::Name name(std::string_view text) {
  return dns::Name::from_text(text).value();
}

/// 2026-03-01T00:00:00Z and `s` seconds.
inline WallTime at_second(std::int64_t s) {
  return WallTime(seconds(1'772'323'200 + s));
}

inline event::Query answered(std::string_view qname, std::int64_t second = 0) {
  event::Query query;
  query.at = at_second(second);
  query.trace_id = 1000 + static_cast<std::uint64_t>(second);
  query.generation = 3;
  query.client = IpAddress::v4(192, 0, 2, 7);
  query.client_port = 40'000;
  query.qname = name(qname);
  query.qtype = dns::RRType::a;
  query.source = event::Source::cache;
  query.latency_us = 25;
  query.group.assign("default");
  return query;
}

inline event::Query blocked(std::string_view qname, std::string_view rule,
                            std::int64_t second = 0) {
  event::Query query = answered(qname, second);
  query.disposition = event::Disposition::blocked;
  query.source = event::Source::policy;
  query.rcode = dns::Rcode::nxdomain;
  query.ede = 15;
  query.zone.assign("hafnium");
  query.action.assign("nxdomain");
  query.rule_line = 17;
  query.has_matched = true;
  query.matched = name(rule);
  query.matched_wildcard = true;
  return query;
}

/// Every field, for comparing.
inline std::string describe(const event::Query& q) {
  std::string text;
  const auto add = [&text](const auto& part) {
    if constexpr (std::is_integral_v<std::decay_t<decltype(part)>>) {
      text += std::to_string(part);
    } else {
      text += part;
    }
    text += ' ';
  };
  add(q.at.time_since_epoch().count());
  add(q.trace_id);
  add(q.generation);
  add(q.client.to_text());
  add(q.client_port);
  add(event::to_string(q.transport));
  add(q.qname.to_text());
  add(dns::to_string(q.qtype));
  add(dns::to_string(q.qclass));
  add(dns::to_string(q.rcode));
  add(event::to_string(q.disposition));
  add(event::to_string(q.source));
  add(event::to_string(q.security));
  add(q.ede);
  add(q.latency_us);
  add(q.group.view());
  add(q.zone.view());
  add(q.action.view());
  add(q.rule_line);
  add(q.has_matched ? q.matched.to_text() : "-");
  add(static_cast<int>(q.matched_wildcard));
  add(static_cast<int>(q.matched_in_chain));
  return text;
}

/// The one number that `sql` gives in the file.
inline std::int64_t number_in(const std::string& path, std::string_view sql) {
  auto database = Database::open(path, Database::Access::read_only);
  if (!database) return -1;
  return database->number(sql).value_or(-1);
}

/// "ok", or what SQLite finds wrong.
inline std::string integrity_of(const std::string& path) {
  auto database = Database::open(path, Database::Access::read_only);
  if (!database) return database.error().text;
  auto statement = database->prepare("PRAGMA integrity_check");
  if (!statement) return statement.error().text;
  const auto row = statement->step();
  return row ? std::string(statement->text(0)) : row.error().text;
}

}  // namespace postern::journal::testing
