// TrafficFold: the rows of one web log, folded into what they say of traffic.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/log_reader.h"
#include "exchange/text_index.h"
#include "exchange/traffic.h"

namespace postern::exchange {

/// A sink for rows of IIS and HttpProxy; others are passed over, and so are those of the back end
/// (port 444), which are those of the front end again. Most rows cost some look-ups of texts that
/// were seen before. Not for two threads at once; each thread has its own.
class TrafficFold final : public RowSink {
 public:
  // Of one log; what is beyond is counted in SourceTraffic::left_out.
  static constexpr std::size_t kMaxClients = 50'000;  ///< Of a day.
  static constexpr std::size_t kMaxStems = 8'192;     ///< Others are looked at each time.
  static constexpr std::size_t kMaxPages = 20'000;    ///< That are not Exchange's.
  static constexpr std::size_t kMaxAgents = 32'768;
  /// From so many octets of a day on, a log says which was the largest answer.
  static constexpr std::uint64_t kTellingOctets = 256U << 10;
  static constexpr std::size_t kMaxTextOctets = 256;  ///< Of a stem, an agent, a user, an address.

  TrafficFold();

  /// Before the rows of another log; `path` is where it lies.
  void begin(std::string_view path);
  void on_row(const Row& row) override;
  /// What the log says. The fold is empty then.
  TrafficFacts finish();

 private:
  /// What one row says, as views of it.
  struct Request {
    std::string_view client, status, stem;
    std::uint64_t agent_hash = 0;
    std::uint64_t out = 0;
    bool has_out = false;
  };
  /// An address' day so far: small, as there may be many.
  struct DayCount {
    std::uint64_t octets = 0, users = 0;
    std::uint32_t requests = 0;
    std::uint32_t largest = TextIndex::kNone;  ///< In `largest_`.
  };
  struct AgentSlot {
    std::uint64_t hash = 0;
    bool is_taken = false;
  };
  void turn_to(const Row& row);
  bool take_day(std::string_view date);
  void take_client(const Row& row, const Request& request);
  void take_agent(const Row& row, std::uint64_t hash);
  std::uint32_t page_number(std::string_view stem);
  std::uint32_t classify(std::string_view stem);
  void take_page(const Row& row, const Request& request, std::uint32_t page);
  static void take_visit(const Row& row, const Request& request, PageVisits& visits,
                         const Seen& seen);
  void take_rate(const Row& row, const Request& request, const std::string& key,
                 PageVisits::Rates& rates);
  void take_failure(const Row& row, const Request& request);
  void end_day();
  Seen seen_of(const Row& row, Second at) const;

  TrafficFacts facts_;
  SourceTraffic* of_source_ = nullptr;
  Source source_{};
  std::string path_;

  std::string day_text_;
  DayNumber day_ = 0;
  bool has_day_ = false;
  TextIndex clients_{kMaxClients};
  std::vector<DayCount> counts_;  ///< By the client's number.
  std::vector<LargestAnswer> largest_;
  TextIndex stems_{kMaxStems};
  std::vector<std::uint32_t> page_of_stem_;  ///< By the stem's number; TextIndex::kNone: no page.
  TextIndex pages_{kMaxPages};
  std::vector<AgentSlot> agents_;
  std::size_t agent_count_ = 0;
  std::map<std::string, bool> was_large_;  ///< The answer before, by the key of its visits.
};

}  // namespace postern::exchange
