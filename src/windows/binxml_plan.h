// BinXML read once: a fragment or a template definition as a flat list of steps.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "windows/text_arena.h"

namespace postern::windows {

/// Names that <System> and its neighbours are made of, told apart once instead of at each use.
enum class KnownName : std::uint8_t {
  other,
  activity_id,
  binary,
  channel,
  computer,
  correlation,
  data,
  event,
  event_data,
  event_id,
  event_record_id,
  event_source_name,
  execution,
  guid,
  keywords,
  level,
  name,
  opcode,
  process_id,
  provider,
  qualifiers,
  security,
  system,
  system_time,
  task,
  thread_id,
  time_created,
  user_data,
  user_id,
  version,
};

/// How much may still be done, in steps of about a dozen nanoseconds: a record of a few kilobytes
/// can ask for billions. Shared by all that work on one record.
struct WorkBudget {
  static constexpr std::uint32_t kPerRecord = 1 << 18;  ///< A large real record takes 2,000.
  static constexpr std::uint32_t kPerChunk = 1 << 20;   ///< A full real chunk takes 30,000.

  std::uint32_t chunk_left = kPerChunk;
  std::uint32_t record_left = kPerRecord;

  /// Takes `steps`; false, and nothing is left, where there are fewer.
  bool spend(std::size_t steps) {
    if (steps > record_left || steps > chunk_left) {
      record_left = 0;
      return false;
    }
    record_left -= static_cast<std::uint32_t>(steps);
    chunk_left -= static_cast<std::uint32_t>(steps);
    return true;
  }
  /// The same for writing or reading so many octets of text.
  bool spend_on_text(std::size_t octets) { return spend(1 + octets / 16); }
  bool is_spent() const { return record_left == 0; }
};

struct PlanStep {
  enum class Kind : std::uint8_t {
    open,       ///< An element begins: `text` is its name.
    attribute,  ///< `text` is its name; values and texts up to the next step are its value.
    content,    ///< The start tag ends.
    close,      ///< The element ends.
    text,       ///< `text`, as it is.
    literal,    ///< The value of the type `index` whose octets, in the chunk, are `text`.
    value,      ///< The value `index` of the instance.
    instance,   ///< A template instance at `offset`.
  };
  static constexpr std::uint32_t kNone = 0xFFFFFFFF;

  Kind kind{};
  KnownName known{};      ///< Of a name.
  bool optional = false;  ///< Of a value: an attribute with nothing else is left out if it is null.
  std::uint16_t index = 0;
  std::uint32_t offset = kNone;  ///< Of an instance, in the chunk. Of open: the step of its close.
  std::uint32_t repeat = kNone;  ///< Of open: the step of the first value in its content; the
                                 ///< element is there once for each item if that is an array.
  std::string_view text{};       ///< In the arena it was compiled into, but for a literal.
};

/// What a fragment or a template definition says to do. Elements are always closed.
struct Plan {
  std::vector<PlanStep> steps;
  bool whole = true;    ///< False: something could not be read; the steps before it are here.
  std::size_t end = 0;  ///< Where reading ended in the chunk: behind the end token.
};

/// Which elements have the two octets of a dependency in front. Where the octets say otherwise,
/// they are believed.
enum class Dependencies : std::uint8_t { present, absent };

/// Part of a chunk that is BinXML.
struct BinXmlRange {
  std::size_t begin = 0, end = 0;
  Dependencies dependencies = Dependencies::present;
};

/// A template's use: which one, and where its values are.
struct TemplateInstance {
  std::uint32_t id = 0;         ///< The first four octets of the template's GUID.
  std::size_t definition = 0;   ///< Offset in the chunk.
  std::uint32_t count = 0;      ///< Of values; 4 octets for each at
  std::size_t descriptors = 0;  ///< this offset, then the values themselves, up to
  std::size_t end = 0;          ///< here.
  bool whole = true;            ///< False: the last values lie beyond the end of the range.
};
/// Reads what stands behind a template instance's token at `at`; nothing where it is none.
std::optional<TemplateInstance> read_template_instance(OctetView chunk, std::size_t at,
                                                       std::size_t end);

struct TemplateDefinition {
  static constexpr std::size_t kHeader = 24;

  std::uint32_t id = 0;
  std::size_t begin = 0, end = 0;  ///< Of its BinXML.
};
std::optional<TemplateDefinition> read_template_definition(OctetView chunk, std::size_t at);

/// Reads tokens into `plan` until the end token, or the end of the range. Linear in the range and
/// the names it points to. Names may stand anywhere in `chunk`.
void compile_binxml(OctetView chunk, BinXmlRange range, Plan& plan, TextArena& names,
                    WorkBudget& budget);

}  // namespace postern::windows
