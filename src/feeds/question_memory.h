// QuestionMemory: what this site asked for in the last days, for the gate to try updates on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "base/log.h"
#include "base/metric.h"
#include "base/time.h"
#include "event/query.h"
#include "feeds/feeds.h"
#include "policy/comparison.h"

namespace postern::feeds {

struct QuestionMemoryOptions {
  std::string path;        ///< Of its file; written every `write_every`, and at the end.
  std::string rates_path;  ///< The same of what groups have blocked.
  std::uint32_t days = 14;
  std::size_t max_names = 1'000'000;
  std::uint64_t hash_key = 0;    ///< Secret: of the table in memory.
  std::uint64_t client_key = 0;  ///< Secret: for a new file. A file keeps the one that it has.
  seconds write_every{600};
};

/// Takes the records of all workers through a bounded queue; what finds no room is counted and not
/// remembered. Keeps no address of a client: a keyed hash, of which 16 bits are stored. A file that
/// is damaged is put aside with a warning, and the memory begins anew.
/// Beside it, it keeps count of what each group has blocked.
class QuestionMemory : public event::QuerySink, public BlockWatch {
 public:
  /// Starts its thread, which first reads the file.
  static std::unique_ptr<QuestionMemory> start(const QuestionMemoryOptions& options, Log& log);

  /// What is remembered. Whoever walks it keeps it from learning meanwhile: the queue fills. Any
  /// thread; must not outlive this.
  virtual policy::Traffic traffic() const = 0;
  /// Waits until all that was recorded before is remembered, and the file is read: for tests and
  /// for whoever is about to judge. False where that takes longer.
  virtual bool catch_up(milliseconds longest) = 0;
  virtual void collect(Metrics& metrics) const = 0;
  /// Writes the file a last time.
  virtual void stop() = 0;
};

/// What a file of a QuestionMemory has in it, for those who read it beside the running server.
/// Errors: `not_found`, `corrupt`, `limit_exceeded`.
Result<policy::Traffic> read_questions(const std::string& path);

}  // namespace postern::feeds
