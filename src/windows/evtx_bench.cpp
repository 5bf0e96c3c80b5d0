// How fast an event log is read: of events as Sysmon, Security and Exchange log them. "copy" is
// what the memory gives, "checksum" what CRC-32 over all records costs of it.
#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>
#include <sys/resource.h>
#include <unistd.h>
#include <zlib.h>

#include "windows/evtx_chunk.h"
#include "windows/evtx_reader.h"
#include "windows/testing/evtx_writer.h"

namespace postern::windows {
namespace {

using testing::event_data_template;
using testing::EvtxWriter;
using testing::modern_record;
using testing::ModernEvent;
using testing::nested_value;
using testing::number_value;
using testing::octets_value;
using testing::string_value;

/// A process that began, as Sysmon logs it: 20 fields, most of them text.
ModernEvent process_event(std::uint64_t id) {
  static const auto kTemplate = event_data_template(
      0x201, {"RuleName",       "UtcTime",          "ProcessGuid",       "ProcessId",
              "Image",          "FileVersion",      "Description",       "Product",
              "Company",        "OriginalFileName", "CommandLine",       "CurrentDirectory",
              "User",           "LogonGuid",        "LogonId",           "TerminalSessionId",
              "IntegrityLevel", "Hashes",           "ParentProcessGuid", "ParentImage"});
  const auto guid = octets_value(ValueType::guid, Octets(16, static_cast<std::uint8_t>(id)));
  ModernEvent event;
  event.event_id = 1;
  event.data = nested_value(
      kTemplate,
      {string_value("-"),
       string_value("2021-03-03 01:02:03.456"),
       guid,
       number_value(ValueType::uint32, id),
       string_value("C:\\Windows\\System32\\inetsrv\\w3wp.exe"),
       string_value("10.0.17763.1 (WinBuild.160101.0800)"),
       string_value("IIS Worker Process"),
       string_value("Internet Information Services"),
       string_value("Microsoft Corporation"),
       string_value("w3wp.exe"),
       string_value(
           "c:\\windows\\system32\\inetsrv\\w3wp.exe -ap \"MSExchangeOWAAppPool\" -v \"v4.0\" "
           "-c \"C:\\Program Files\\Microsoft\\Exchange Server\\V15\\bin\\"
           "GenericAppPoolConfigWithGCServerEnabledFalse.config\" -a \\\\.\\pipe\\iisipm"),
       string_value("C:\\Windows\\system32\\"),
       string_value("NT AUTHORITY\\SYSTEM"),
       guid,
       number_value(ValueType::hex_int64, 0x3E7),
       number_value(ValueType::uint32, 0),
       string_value("System"),
       string_value("SHA256=" + std::string(64, 'A') + ",IMPHASH=" + std::string(32, 'B')),
       guid,
       string_value("C:\\Windows\\System32\\svchost.exe")});
  return event;
}

/// A logon, as the Security log has it: short fields, many of them numbers.
ModernEvent logon_event(std::uint64_t id) {
  static const auto kTemplate = event_data_template(
      0x202, {"SubjectUserSid", "SubjectUserName", "SubjectDomainName", "SubjectLogonId",
              "TargetUserSid", "TargetUserName", "TargetDomainName", "TargetLogonId", "LogonType",
              "LogonProcessName", "AuthenticationPackageName", "WorkstationName", "LogonGuid",
              "KeyLength", "ProcessId", "ProcessName", "IpAddress", "IpPort"});
  const auto sid = octets_value(ValueType::sid, {1, 5, 0, 0, 0, 0, 0, 5, 21, 0, 0, 0, 1, 2,
                                                 3, 4, 5, 6, 7, 8, 9, 1, 2,  3, 4, 5, 0, 0});
  ModernEvent event;
  event.provider = "Microsoft-Windows-Security-Auditing";
  event.channel = "Security";
  event.event_id = 4624;
  event.data = nested_value(
      kTemplate, {sid, string_value("EX01$"), string_value("CONTOSO"),
                  number_value(ValueType::hex_int64, 0x3E7), sid,
                  string_value("HealthMailbox" + std::to_string(id)), string_value("CONTOSO"),
                  number_value(ValueType::hex_int64, id), number_value(ValueType::uint32, 3),
                  string_value("Kerberos"), string_value("Kerberos"), string_value("-"),
                  octets_value(ValueType::guid, Octets(16, 7)), number_value(ValueType::uint32, 0),
                  number_value(ValueType::hex_int64, 0x2F4), string_value("-"),
                  string_value("192.0.2.77"), string_value("51234")});
  return event;
}

/// About 10 MiB, a third of the records of each kind.
const Octets& mixed_log() {
  static const Octets kLog = [] {
    EvtxWriter writer;
    for (std::uint64_t id = 1; id <= 9'000; ++id) {
      if (id % 3 == 0) {
        writer.add(testing::classic_record(
            id,
            {"New-MailboxExportRequest", "-Mailbox \"user" + std::to_string(id) + "\" -FilePath x",
             "contoso.test/Users/Administrator", "S-1-5-21-1-2-3-500",
             "Remote-ManagementShell-Unknown", "13324 w3wp#MSExchangePowerShellAppPool", "", "5",
             "00:00:00.2031323", "View Entire Forest: 'True'"}));
        continue;
      }
      ModernEvent event = id % 3 == 1 ? process_event(id) : logon_event(id);
      event.record_id = id;
      writer.add(modern_record(event));
    }
    return writer.finish();
  }();
  return kLog;
}

double user_seconds(int whose = RUSAGE_SELF) {
  rusage usage{};
  getrusage(whose, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec) +
         static_cast<double>(usage.ru_utime.tv_usec) / 1e6;
}

/// Octets of log a second of user time, whatever else the machine does.
void report(benchmark::State& state, double begun, int whose = RUSAGE_SELF) {
  const double octets =
      static_cast<double>(mixed_log().size()) * static_cast<double>(state.iterations());
  state.counters["user_octets_per_second"] = octets / (user_seconds(whose) - begun);
}

void read_a_log(benchmark::State& state) {
  const Octets& log = mixed_log();
  const double begun = user_seconds();
  std::uint64_t records = 0;
  for (auto _ : state) {
    EvtxReader reader(EvtxReader::source_of(log));
    std::size_t octets = 0;
    while (const Event* event = reader.next()) {
      for (const EventField& field : event->data) octets += field.value.size();
    }
    benchmark::DoNotOptimize(octets);
    records += reader.summary().records;
  }
  report(state, begun);
  state.counters["records_per_second"] = static_cast<double>(records) / (user_seconds() - begun);
}
BENCHMARK(read_a_log)->Unit(benchmark::kMillisecond);

void read_a_log_as_xml(benchmark::State& state) {
  const Octets& log = mixed_log();
  const double begun = user_seconds();
  for (auto _ : state) {
    EvtxReader reader(EvtxReader::source_of(log));
    std::size_t octets = 0;
    while (reader.next()) octets += reader.xml().size();
    benchmark::DoNotOptimize(octets);
  }
  report(state, begun);
}
BENCHMARK(read_a_log_as_xml)->Unit(benchmark::kMillisecond);

/// The peer of read_a_log_as_xml: it, too, writes each event as text.
void libevtx_reads_a_log(benchmark::State& state) {
  const auto path = std::filesystem::temp_directory_path() /
                    ("postern_bench_" + std::to_string(getpid()) + ".evtx");
  std::ofstream(path, std::ios::binary) << text_of(mixed_log());
  const std::string command = "evtxexport -f xml '" + path.string() + "' >/dev/null 2>&1";
  const double begun = user_seconds(RUSAGE_CHILDREN);
  for (auto _ : state) {
    if (std::system(command.c_str()) != 0) {
      state.SkipWithError("evtxexport is not there, or does not read the log");
      break;
    }
  }
  report(state, begun, RUSAGE_CHILDREN);
  std::filesystem::remove(path);
}
BENCHMARK(libevtx_reads_a_log)->Unit(benchmark::kMillisecond);

void checksum(benchmark::State& state) {
  const Octets& log = mixed_log();
  const double begun = user_seconds();
  for (auto _ : state) {
    benchmark::DoNotOptimize(crc32(0, log.data(), static_cast<uInt>(log.size())));
  }
  report(state, begun);
}
BENCHMARK(checksum)->Unit(benchmark::kMillisecond);

void copy(benchmark::State& state) {
  const Octets& log = mixed_log();
  Octets window(kEvtxChunk);
  const double begun = user_seconds();
  for (auto _ : state) {
    for (std::size_t at = 0; at + window.size() <= log.size(); at += window.size()) {
      std::copy_n(log.begin() + static_cast<std::ptrdiff_t>(at), window.size(), window.begin());
      benchmark::DoNotOptimize(window.data());
      benchmark::ClobberMemory();
    }
  }
  report(state, begun);
}
BENCHMARK(copy)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace postern::windows
