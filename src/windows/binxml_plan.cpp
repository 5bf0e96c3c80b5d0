#include "windows/binxml_plan.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "windows/binxml_value.h"
#include "windows/little_endian.h"
#include "windows/utf16.h"

namespace postern::windows {
namespace {

// Tokens; 0x40 in front says that more of the kind follow, and for an element that it has
// attributes.
constexpr std::uint8_t kMore = 0x40;
enum Token : std::uint8_t {
  end_of_fragment = 0x00,
  open_element = 0x01,
  close_start = 0x02,
  close_empty = 0x03,
  end_element = 0x04,
  value_text_token = 0x05,
  attribute_token = 0x06,
  cdata = 0x07,
  char_reference = 0x08,
  entity_reference = 0x09,
  pi_target = 0x0A,
  pi_data = 0x0B,
  template_instance = 0x0C,
  normal_substitution = 0x0D,
  optional_substitution = 0x0E,
  fragment_header = 0x0F,
};

constexpr std::size_t kMaxName = 1024;  // Characters; Windows' own are below 100.
constexpr std::size_t kMaxDepth = 64;   // Elements in each other; real events have 6.

struct NameRow {
  std::string_view text;
  KnownName known;
};

constexpr std::array<NameRow, 29> kNames{{
    {"ActivityID", KnownName::activity_id},
    {"Binary", KnownName::binary},
    {"Channel", KnownName::channel},
    {"Computer", KnownName::computer},
    {"Correlation", KnownName::correlation},
    {"Data", KnownName::data},
    {"Event", KnownName::event},
    {"EventData", KnownName::event_data},
    {"EventID", KnownName::event_id},
    {"EventRecordID", KnownName::event_record_id},
    {"EventSourceName", KnownName::event_source_name},
    {"Execution", KnownName::execution},
    {"Guid", KnownName::guid},
    {"Keywords", KnownName::keywords},
    {"Level", KnownName::level},
    {"Name", KnownName::name},
    {"Opcode", KnownName::opcode},
    {"ProcessID", KnownName::process_id},
    {"Provider", KnownName::provider},
    {"Qualifiers", KnownName::qualifiers},
    {"Security", KnownName::security},
    {"System", KnownName::system},
    {"SystemTime", KnownName::system_time},
    {"Task", KnownName::task},
    {"ThreadID", KnownName::thread_id},
    {"TimeCreated", KnownName::time_created},
    {"UserData", KnownName::user_data},
    {"UserID", KnownName::user_id},
    {"Version", KnownName::version},
}};

KnownName known_name(std::string_view text) {
  const auto row = std::find_if(kNames.begin(), kNames.end(),
                                [&](const NameRow& known) { return known.text == text; });
  return row == kNames.end() ? KnownName::other : row->known;
}

std::string_view entity_text(std::string_view name) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 5> kEntities{
      {{"amp", "&"}, {"lt", "<"}, {"gt", ">"}, {"quot", "\""}, {"apos", "'"}}};
  for (const auto& [entity, text] : kEntities) {
    if (entity == name) return text;
  }
  return {};
}

class Compiler {
 public:
  Compiler(OctetView chunk, const BinXmlRange& range, Plan& plan, TextArena& names,
           WorkBudget& budget)
      : chunk_(chunk),
        reader_(chunk.first(std::min(range.end, chunk.size())), range.begin),
        dependencies_(range.dependencies),
        plan_(plan),
        names_(names),
        budget_(budget) {}

  void run() {
    plan_.steps.clear();
    plan_.whole = true;
    bool more = true;
    while (more && reader_.ok() && reader_.left() > 0) {
      if (!budget_.spend(1)) break;
      more = token(reader_.u8());
    }
    if (more && (reader_.left() > 0 || !open_.empty())) plan_.whole = false;
    if (!reader_.ok()) plan_.whole = false;
    while (!open_.empty()) close();
    plan_.end = reader_.offset();
  }

 private:
  using Kind = PlanStep::Kind;

  /// False: the end, or what cannot be read any further.
  bool token(std::uint8_t octet) {
    switch (octet & ~kMore) {
      case end_of_fragment:
        if (!open_.empty()) plan_.whole = false;
        return false;
      case open_element:
        return open((octet & kMore) != 0);
      case close_start:
        if (open_.empty()) return broken();
        plan_.steps.push_back({.kind = Kind::content});
        in_content_ = true;
        return true;
      case close_empty:
      case end_element:
        if (open_.empty()) return broken();
        close();
        return true;
      case value_text_token:
        return literal();
      case attribute_token:
        return attribute();
      case cdata:
        return counted_text();
      case char_reference:
        return text_step(reader_.take(2));
      case entity_reference:
        return entity();
      case pi_target:
        return name().has_value() || broken();
      case pi_data:
        reader_.skip(std::size_t{reader_.u16()} * 2);
        return true;
      case template_instance:
        return instance();
      case normal_substitution:
      case optional_substitution:
        return substitution((octet & ~kMore) == optional_substitution);
      case fragment_header:
        reader_.skip(3);
        return true;
      default:
        return broken();
    }
  }

  bool broken() {
    plan_.whole = false;
    return false;
  }

  std::uint32_t next_step() const { return static_cast<std::uint32_t>(plan_.steps.size()); }

  /// Whether an element's size and name could stand here.
  bool is_element_head(std::size_t at) const {
    const std::size_t end = reader_.offset() + reader_.left();
    if (at + 8 > end) return false;
    const std::size_t size = little_u32(&chunk_[at]);
    const std::size_t name_at = little_u32(&chunk_[at + 4]);
    return size <= end - at - 4 && name_at + 8 <= chunk_.size() && name_at <= at + 8 && name_at > 0;
  }

  bool open(bool has_attributes) {
    if (open_.size() == kMaxDepth) return broken();
    const bool usual = dependencies_ == Dependencies::present;
    const std::size_t at = reader_.offset();
    const bool as_usual = is_element_head(at + (usual ? 2 : 0));
    const bool otherwise = !as_usual && is_element_head(at + (usual ? 0 : 2));
    if (usual != otherwise) reader_.skip(2);
    reader_.skip(4);
    const auto text = name();
    if (!text) return broken();
    if (has_attributes) reader_.skip(4);
    open_.push_back(next_step());
    in_content_ = false;
    plan_.steps.push_back({.kind = Kind::open, .known = known_name(*text), .text = *text});
    return reader_.ok();
  }

  void close() {
    plan_.steps[open_.back()].offset = next_step();
    open_.pop_back();
    plan_.steps.push_back({.kind = Kind::close});
    in_content_ = true;
  }

  bool attribute() {
    if (open_.empty() || in_content_) return broken();
    const auto text = name();
    if (!text) return broken();
    plan_.steps.push_back({.kind = Kind::attribute, .known = known_name(*text), .text = *text});
    return true;
  }

  /// Text in the logs of Windows; others, as of file servers, write numbers and times so, too.
  bool literal() {
    const std::uint8_t type = reader_.u8();
    if (type == static_cast<std::uint8_t>(ValueType::string)) return counted_text();
    const std::size_t size = literal_size(static_cast<ValueType>(type));
    const OctetView octets = reader_.take(size);
    if (size == 0 || !reader_.ok()) return broken();
    plan_.steps.push_back({.kind = Kind::literal, .index = type, .text = text_of(octets)});
    return true;
  }

  std::size_t literal_size(ValueType type) {
    if (type == ValueType::ansi_string || type == ValueType::binary) return reader_.u16();
    if (type != ValueType::sid) return fixed_size(type);
    const std::size_t at = reader_.offset();
    return reader_.left() < 2 ? 0 : 8 + std::size_t{chunk_[at + 1]} * 4;
  }

  bool counted_text() { return text_step(reader_.take(std::size_t{reader_.u16()} * 2)); }

  bool text_step(OctetView utf16) {
    if (!reader_.ok() || !budget_.spend_on_text(utf16.size())) return broken();
    plan_.steps.push_back({.kind = Kind::text, .text = keep(utf16)});
    return true;
  }

  bool entity() {
    const auto text = name();
    if (!text) return broken();
    plan_.steps.push_back({.kind = Kind::text, .text = entity_text(*text)});
    return true;
  }

  bool instance() {
    const std::size_t at = reader_.offset();
    const auto found = read_template_instance(chunk_, at, at + reader_.left());
    if (!found) return broken();
    plan_.steps.push_back({.kind = Kind::instance, .offset = static_cast<std::uint32_t>(at)});
    reader_.skip(found->end - at);
    return found->whole || broken();
  }

  bool substitution(bool optional) {
    const std::uint16_t index = reader_.u16();
    reader_.skip(1);
    if (!reader_.ok()) return broken();
    if (in_content_ && !open_.empty()) {
      PlanStep& element = plan_.steps[open_.back()];
      if (element.repeat == PlanStep::kNone) element.repeat = next_step();
    }
    plan_.steps.push_back({.kind = Kind::value, .optional = optional, .index = index});
    return true;
  }

  std::string_view keep(OctetView utf16) {
    char* const begin = names_.reserve(max_utf8_size(utf16.size()));
    return names_.commit(begin, write_utf8(utf16, begin));
  }

  /// A name at an offset of the chunk; where that is here, it is gone over.
  std::optional<std::string_view> name() {
    const std::size_t at = reader_.u32();
    if (!reader_.ok()) return std::nullopt;
    LittleReader there(chunk_, at);
    there.skip(6);  // The next string's offset, and a hash.
    const std::size_t length = there.u16();
    const OctetView text = there.take(length * 2);
    if (!there.ok() || length > kMaxName || !budget_.spend_on_text(length)) return std::nullopt;
    if (at == reader_.offset()) reader_.skip(8 + length * 2 + 2);
    return keep(text);
  }

  OctetView chunk_;
  LittleReader reader_;
  Dependencies dependencies_;
  Plan& plan_;
  TextArena& names_;
  WorkBudget& budget_;
  std::vector<std::uint32_t> open_;  ///< Steps of elements that are not closed yet.
  bool in_content_ = false;          ///< Of the innermost of them, not in its start tag.
};

}  // namespace

std::optional<TemplateInstance> read_template_instance(OctetView chunk, std::size_t at,
                                                       std::size_t end) {
  LittleReader reader(chunk.first(std::min(end, chunk.size())), at);
  reader.skip(1);
  TemplateInstance instance;
  instance.id = reader.u32();
  instance.definition = reader.u32();
  // A template is defined where it is used for the first time in its chunk.
  if (reader.ok() && instance.definition == reader.offset()) {
    reader.skip(TemplateDefinition::kHeader - 4);
    reader.skip(reader.u32());
  }
  instance.count = reader.u32();
  instance.descriptors = reader.offset();
  if (!reader.ok() || instance.count > reader.left() / 4) return std::nullopt;
  std::size_t size = 0;
  for (std::uint32_t i = 0; i < instance.count; ++i) {
    size += reader.u16();
    reader.skip(2);
  }
  instance.whole = size <= reader.left();
  instance.end = reader.offset() + std::min(size, reader.left());
  return instance;
}

std::optional<TemplateDefinition> read_template_definition(OctetView chunk, std::size_t at) {
  LittleReader reader(chunk, at);
  reader.skip(4);  // The next definition with this hash.
  TemplateDefinition definition;
  definition.id = reader.u32();
  reader.skip(12);
  const std::size_t size = reader.u32();
  if (!reader.ok()) return std::nullopt;
  definition.begin = reader.offset();
  definition.end = reader.offset() + std::min(size, reader.left());
  return definition;
}

void compile_binxml(OctetView chunk, BinXmlRange range, Plan& plan, TextArena& names,
                    WorkBudget& budget) {
  Compiler(chunk, range, plan, names, budget).run();
}

}  // namespace postern::windows
