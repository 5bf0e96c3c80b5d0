// The report of a run over domains: for people, for programs, for spreadsheets.
//
// Everything in it that strangers wrote goes through base/safe_text.h or a JSON writer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "exposure/drift.h"
#include "exposure/vendor_list.h"
#include "exposure/verdict.h"

namespace postern::exposure {

/// A sign as it is kept: without names in wire form.
struct Evidence {
  std::string rule;
  std::string provider;
  std::string_view role;
  std::string_view slot;
  int weight = 0;
  std::string means;
  std::string name;
  std::string type;
  std::uint32_t ttl = 0;
  std::string data;
};

struct SpfSummary {
  std::string record;  ///< "" for none.
  std::string all;
  unsigned lookups = 0;
  std::vector<std::string> senders;
  std::vector<std::string> problems;
};

/// One domain.
struct Entry {
  std::string domain;
  std::size_t line = 0;             ///< In the list; 0 where it was given by hand.
  std::vector<std::string> fields;  ///< The list's columns; empty where it was given by hand.
  Hosting hosting = Hosting::unknown;
  int confidence = 0;
  Hosting behind = Hosting::unknown;
  int behind_confidence = 0;
  Exposure exposure = Exposure::not_known;
  std::string provider;
  std::string advice;
  std::vector<std::string> because;
  bool is_complete = true;
  std::vector<Evidence> evidence;
  SpfSummary spf;
  std::string dmarc;  ///< Its policy; "" for no record.
  bool has_mta_sts = false;
  bool is_signed = false;
  bool has_dane = false;
  std::vector<std::string> notes;
  std::vector<std::string> not_known;
  std::size_t questions = 0;
  std::optional<Drift> drift;  ///< Nothing where no earlier run is kept.
};

/// Of a finished inquiry. Without what only the list or the state knows.
Entry entry_of(const Inquiry& inquiry, const Verdict& verdict);

struct Report {
  std::string program;
  WallTime began{};
  WallTime ended{};
  std::string resolver;             ///< "recursion", "udp://192.0.2.53:53".
  std::vector<std::string> packs;   ///< Their names and dates.
  std::vector<std::string> header;  ///< Of the list; empty without one.
  std::size_t domain_column = 0;
  std::vector<Entry> entries;  ///< Those that were in the list before and no more: at the end.
  std::vector<BadLine> bad;
  std::vector<BadLine> notes;
  bool is_complete = true;        ///< False: the run was ended early.
  bool only_changes = false;      ///< What is the same as last time is not shown, and no finding.
  std::optional<WallTime> since;  ///< The run that this one is compared with.
};

/// 0: nothing exposed (with `only_changes`: nothing changed); 1: something is; 2: not everything
/// could be asked, or lines of the list not used.
int exit_code_of(const Report& report);

/// Whether an entry is one for exit code 1.
bool is_finding(const Report& report, const Entry& entry);

std::string to_json(const Report& report);
/// A row for each domain: the list's own columns first.
std::string to_csv(const Report& report);

struct TextOptions {
  bool in_colour = false;
  bool with_records = false;  ///< What says so, below each domain.
};
std::string to_text(const Report& report, const TextOptions& options);

}  // namespace postern::exposure
