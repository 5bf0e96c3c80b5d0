#include "journal/stats.h"

namespace postern::journal {

void append_metrics(const Stats& stats, const QueueLengths& queues, Metrics& metrics) {
  const auto number = [](auto value) { return static_cast<double>(value); };
  const auto counter = [&](std::string_view name, std::string_view help, std::uint64_t value) {
    metrics.push_back({name, MetricKind::counter, help, "", number(value)});
  };
  const auto gauge = [&](std::string_view name, std::string_view help, double value) {
    metrics.push_back({name, MetricKind::gauge, help, "", value});
  };
  counter("postern_journal_records_stored_total", "Records written to the journal.",
          stats.stored.value());
  counter("postern_journal_ordinary_dropped_total",
          "Ordinary records dropped because their queue was full.", stats.ordinary_dropped.value());
  counter("postern_journal_threats_diverted_total",
          "Threat records that took the ordinary queue because their own was full.",
          stats.threats_diverted.value());
  counter("postern_journal_threats_lost_total",
          "Threat records lost because both queues were full. Anything but 0 is an alarm.",
          stats.threats_lost.value());
  counter("postern_journal_records_given_up_total",
          "Records that could not be written before the journal was closed.",
          stats.records_given_up.value());
  counter("postern_journal_commits_total", "Batches written.", stats.commits.value());
  counter("postern_journal_write_failures_total",
          "Batches that could not be written; they are tried again.", stats.write_failures.value());
  counter("postern_journal_rows_removed_total", "Records removed for age or for room.",
          stats.rows_removed.value());
  counter("postern_journal_set_aside_total", "Damaged database files set aside.",
          stats.set_aside.value());
  counter("postern_journal_searches_total", "Searches of the journal.", stats.searches.value());
  counter("postern_journal_searches_timed_out_total", "Searches that ran out of their time.",
          stats.searches_timed_out.value());
  gauge("postern_journal_file_octets", "Size of the journal's file, without its log.",
        number(stats.file_octets.load(std::memory_order_relaxed)));
  gauge("postern_journal_last_commit_timestamp_seconds", "When a batch was last written.",
        number(stats.last_commit_s.load(std::memory_order_relaxed)));
  const std::string_view help = "Records waiting to be written.";
  metrics.push_back({"postern_journal_queue_records", MetricKind::gauge, help, "lane=\"ordinary\"",
                     number(queues.ordinary)});
  metrics.push_back({"postern_journal_queue_records", MetricKind::gauge, help, "lane=\"threat\"",
                     number(queues.threats)});
}

}  // namespace postern::journal
