// Carries out a record's BinXML: templates with their values filled in, told to a sink.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "windows/binxml_plan.h"
#include "windows/binxml_value.h"
#include "windows/text_arena.h"

namespace postern::windows {

/// Is told a document in its order. Elements are always closed, whatever happens.
class BinXmlSink {
 public:
  virtual ~BinXmlSink() = default;

  virtual void open(std::string_view name, KnownName known) = 0;
  virtual void attribute(std::string_view name, KnownName known) = 0;
  /// The start tag ends.
  virtual void content() = 0;
  virtual void text(std::string_view text) = 0;
  /// May be null, or an array where it is not all an element's content. `optional`: an attribute
  /// that has nothing else is left out if it is null.
  virtual void value(const BinXmlValue& value, bool optional) = 0;
  virtual void close() = 0;
};

/// Knows one chunk at a time, whose templates it reads once. One thread at a time.
class BinXmlRunner {
 public:
  struct Outcome {
    std::size_t end = 0;  ///< Where the fragment ends in the chunk.
    bool whole = true;    ///< False: what could be read was told.
  };

  /// Forgets the chunk before. `chunk` stays as it is until the next one is given.
  void begin_chunk(OctetView chunk);
  /// Tells what the octets of the chunk from `begin` to `end` say. `trust_definitions`: a template
  /// may have another id than its instance says. Names live until the next chunk, values as long as
  /// the chunk's octets.
  Outcome run(std::size_t begin, std::size_t end, BinXmlSink& sink, WorkBudget& budget,
              bool trust_definitions);

 private:
  static constexpr std::size_t kMaxDepth = 16;     // Fragments in each other; real events have 3.
  static constexpr std::size_t kMaxCached = 1024;  // Templates of a chunk; real ones have 40.
  static constexpr std::size_t kSlots = kMaxCached * 4;
  // What stays for the next chunk; hostile chunks must not add up.
  static constexpr std::size_t kPlansKept = 64, kStepsKept = 2048;

  struct Slot {
    std::uint32_t definition = 0;
    std::uint32_t stamp = 0;  ///< Of the chunk it is for.
    std::uint32_t plan = 0;
  };
  /// Where the values of the instance that is being carried out are in `values_`.
  struct Values {
    std::size_t first = 0, count = 0;
  };
  /// One item in place of the array it is of.
  struct Override {
    std::uint32_t index = PlanStep::kNone;
    BinXmlValue item;
  };
  struct Steps {
    const Plan& plan;
    std::size_t begin, end;
  };

  std::size_t fragment(const BinXmlRange& range, std::size_t depth);
  void instance(std::size_t at, std::size_t end, std::size_t depth);
  void raw_values(const Values& values, std::size_t depth);
  void steps(const Steps& steps, const Values& values, std::size_t depth, const Override& item);
  bool repeated(const Plan& plan, std::size_t open, const Values& values, std::size_t depth);
  void value(const PlanStep& step, const Values& values, std::size_t depth, const Override& item);
  Values read_values(const TemplateInstance& instance);
  const Plan* plan_of(const TemplateInstance& instance, std::size_t depth);
  Plan& scratch(std::size_t depth);
  static void let_go_of_excess(Plan* plan);
  bool spend(const PlanStep& step);
  std::size_t offset_of(OctetView octets) const {
    return static_cast<std::size_t>(octets.data() - chunk_.data());
  }

  OctetView chunk_;
  TextArena names_;
  std::vector<std::unique_ptr<Plan>> plans_;  ///< The first `plan_count_` are of this chunk.
  std::size_t plan_count_ = 0;
  std::vector<Slot> slots_ = std::vector<Slot>(kSlots);  ///< By definition, open addressing.
  std::uint32_t stamp_ = 0;
  std::array<std::unique_ptr<Plan>, kMaxDepth * 2> scratch_;

  std::vector<BinXmlValue> values_;  ///< A stack: of instances within instances.
  BinXmlSink* sink_ = nullptr;
  WorkBudget* budget_ = nullptr;
  bool trust_definitions_ = true;
  bool whole_ = true;
  bool in_attribute_ = false;
};

}  // namespace postern::windows
