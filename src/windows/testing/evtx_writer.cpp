#include "windows/testing/evtx_writer.h"

#include <algorithm>

#include <zlib.h>

#include "base/assert.h"
#include "windows/evtx_chunk.h"
#include "windows/testing/little_endian_writer.h"

namespace postern::windows::testing {
namespace {

std::uint32_t checksum(const Octets& octets, std::size_t from, std::size_t to,
                       std::uint32_t before = 0) {
  return static_cast<std::uint32_t>(
      crc32(before, octets.data() + from, static_cast<uInt>(to - from)));
}

XmlElement leaf(std::string name, std::vector<XmlPart> content) {
  return {std::move(name), {}, std::move(content)};
}

/// The parts of <System>; values by their usual places.
XmlElement system_element() {
  using enum ValueType;
  XmlElement system{"System", {}, {}};
  const auto add = [&](XmlElement inner) { system.content.push_back(element(std::move(inner))); };
  add({"Provider", {{"Name", {value(14)}}, {"Guid", {optional(15, guid)}}}, {}});
  add({"EventID", {{"Qualifiers", {optional(4, uint16)}}}, {value(3, uint16)}});
  add(leaf("Version", {value(11, uint8)}));
  add(leaf("Level", {value(0, uint8)}));
  add(leaf("Task", {value(2, uint16)}));
  add(leaf("Opcode", {value(1, uint8)}));
  add(leaf("Keywords", {value(5, hex_int64)}));
  add({"TimeCreated", {{"SystemTime", {value(6, filetime)}}}, {}});
  add(leaf("EventRecordID", {value(10, uint64)}));
  add({"Correlation",
       {{"ActivityID", {optional(7, guid)}}, {"RelatedActivityID", {optional(13, guid)}}},
       {}});
  add({"Execution", {{"ProcessID", {value(8, uint32)}}, {"ThreadID", {value(9, uint32)}}}, {}});
  add(leaf("Channel", {value(16)}));
  add(leaf("Computer", {value(17)}));
  add({"Security", {{"UserID", {optional(12, sid)}}}, {}});
  return system;
}

constexpr std::string_view kNamespace = "http://schemas.microsoft.com/win/2004/08/events/event";

}  // namespace

XmlPart text(std::string_view text) {
  return {.kind = XmlPart::Kind::text, .text = std::string(text)};
}
XmlPart value(std::uint16_t index, ValueType type) {
  return {.kind = XmlPart::Kind::value, .index = index, .type = type};
}
XmlPart optional(std::uint16_t index, ValueType type) {
  return {.kind = XmlPart::Kind::optional_value, .index = index, .type = type};
}
XmlPart element(XmlElement element) {
  return {.kind = XmlPart::Kind::element,
          .element = std::make_shared<XmlElement>(std::move(element))};
}

XmlPart typed(ValueType type, Octets octets) {
  return {.kind = XmlPart::Kind::typed, .type = type, .octets = std::move(octets)};
}

TestValue null_value() {
  return {};
}
TestValue string_value(std::string_view ascii) {
  return octets_value(ValueType::string, utf16(ascii));
}
TestValue number_value(ValueType type, std::uint64_t number) {
  using enum ValueType;
  const auto width = [&]() -> std::size_t {
    if (type == int8 || type == uint8) return 1;
    if (type == int16 || type == uint16) return 2;
    const bool is_short =
        type == int32 || type == uint32 || type == hex_int32 || type == boolean || type == real32;
    return is_short ? 4 : 8;
  }();
  Octets octets;
  put_little(octets, number, width);
  return octets_value(type, octets);
}
TestValue octets_value(ValueType type, Octets octets) {
  return {.raw_type = static_cast<std::uint8_t>(type), .octets = std::move(octets)};
}
TestValue array_value(ValueType type, Octets octets) {
  return {.raw_type = static_cast<std::uint8_t>(static_cast<unsigned>(type) | BinXmlValue::kArray),
          .octets = std::move(octets)};
}
TestValue strings_value(const std::vector<std::string>& items) {
  Octets octets;
  for (const std::string& item : items) {
    put_octets(octets, utf16(item));
    put_u16(octets, 0);
  }
  return array_value(ValueType::string, octets);
}
TestValue nested_value(TestTemplate nested, std::vector<TestValue> values) {
  return {.raw_type = static_cast<std::uint8_t>(ValueType::binxml),
          .nested = std::make_shared<TestTemplate>(std::move(nested)),
          .values = std::move(values)};
}

TestTemplate modern_template() {
  XmlElement event{"Event", {{"xmlns", {text(kNamespace)}}}, {}};
  event.content.push_back(element(system_element()));
  event.content.push_back(optional(18, ValueType::binxml));
  return {0x2D6E62FD, event};
}

TestRecord modern_record(const ModernEvent& event) {
  using enum ValueType;
  Octets guid_octets(16, 0x5A);
  const Octets system_sid = {1, 1, 0, 0, 0, 0, 0, 5, 18, 0, 0, 0};
  std::vector<TestValue> values = {
      number_value(uint8, event.level),
      number_value(uint8, 0),
      number_value(uint16, event.event_id),
      number_value(uint16, event.event_id),
      null_value(),
      number_value(hex_int64, 0x8000000000000000),
      number_value(filetime, event.filetime),
      null_value(),
      number_value(uint32, 3308),
      number_value(uint32, 4008),
      number_value(uint64, event.record_id),
      number_value(uint8, 2),
      octets_value(sid, system_sid),
      null_value(),
      string_value(event.provider),
      octets_value(guid, guid_octets),
      string_value(event.channel),
      string_value(event.computer),
      event.data,
  };
  static const auto kTemplate = std::make_shared<TestTemplate>(modern_template());
  return {event.record_id, event.filetime, kTemplate, std::move(values)};
}

TestTemplate event_data_template(std::uint32_t id, const std::vector<std::string>& names) {
  XmlElement data{"EventData", {}, {}};
  for (std::size_t i = 0; i < names.size(); ++i) {
    data.content.push_back(
        element({"Data", {{"Name", {text(names[i])}}}, {value(static_cast<std::uint16_t>(i))}}));
  }
  return {id, data};
}

TestRecord classic_record(std::uint64_t id, const std::vector<std::string>& strings) {
  using enum ValueType;
  XmlElement event{"Event", {{"xmlns", {text(kNamespace)}}}, {}};
  XmlElement system{"System", {}, {}};
  system.content.push_back(element({"Provider", {{"Name", {text("MSExchange Management")}}}, {}}));
  system.content.push_back(
      element({"EventID", {{"Qualifiers", {value(1, uint16)}}}, {value(0, uint16)}}));
  system.content.push_back(element(leaf("Keywords", {value(2, hex_int64)})));
  system.content.push_back(element({"TimeCreated", {{"SystemTime", {value(3, filetime)}}}, {}}));
  system.content.push_back(element(leaf("EventRecordID", {value(4, uint64)})));
  system.content.push_back(element(leaf("Channel", {text("MSExchange Management")})));
  system.content.push_back(element(leaf("Computer", {value(5)})));
  event.content.push_back(element(system));
  XmlElement data{"EventData", {}, {}};
  data.content.push_back(element(leaf("Data", {value(6)})));
  data.content.push_back(element(leaf("Binary", {optional(7, binary)})));
  event.content.push_back(element(data));
  std::vector<TestValue> values = {number_value(uint16, 1),
                                   number_value(uint16, 0x4004),
                                   number_value(hex_int64, 0x80000000000000),
                                   number_value(filetime, ModernEvent::kFiletime),
                                   number_value(uint64, id),
                                   string_value("ex01.example.test"),
                                   strings_value(strings),
                                   null_value()};
  return {id, ModernEvent::kFiletime,
          std::make_shared<TestTemplate>(TestTemplate{0x11223344, event}), std::move(values)};
}

EvtxWriter::Chunk EvtxWriter::new_chunk() {
  Chunk chunk;
  chunk.octets.resize(kEvtxChunkHeader);
  return chunk;
}

void EvtxWriter::add(const TestRecord& record) {
  next_id_ = record.id + 1;
  Chunk before = chunk_;
  if (write(chunk_, record)) return;
  chunk_ = std::move(before);
  end_chunk();
  POSTERN_ASSERT(write(chunk_, record));
}

void EvtxWriter::end_chunk() {
  if (chunk_.ids.empty()) return;
  put_octets(chunks_, closed(std::move(chunk_)));
  chunk_ = new_chunk();
}

bool EvtxWriter::write(Chunk& chunk, const TestRecord& record) {
  const std::size_t begin = chunk.octets.size();
  put_u32(chunk.octets, 0x2A2A);
  put_u32(chunk.octets, 0);
  put_u64(chunk.octets, record.id);
  put_u64(chunk.octets, record.filetime);
  put_octets(chunk.octets, Octets{0x0F, 1, 1, 0});
  if (record.outer->id != 0) {
    put_instance(chunk, *record.outer, record.values);
  } else {
    put_element(chunk, record.outer->root, record.with_dependencies);
  }
  chunk.octets.push_back(0);
  while ((chunk.octets.size() + 4) % 8 != 0) chunk.octets.push_back(0);
  const std::size_t size = chunk.octets.size() + 4 - begin;
  put_u32(chunk.octets, size);
  set_little(chunk.octets, begin + 4, size, 4);
  chunk.last_record = begin;
  chunk.ids.push_back(record.id);
  return chunk.octets.size() <= kEvtxChunk;
}

Octets EvtxWriter::closed(Chunk chunk) {
  Octets& octets = chunk.octets;
  const std::size_t free_space = octets.size();
  octets.resize(kEvtxChunk);
  const std::string_view magic("ElfChnk\0", 8);
  std::copy(magic.begin(), magic.end(), octets.begin());
  set_little(octets, 8, chunk.ids.front(), 8);
  set_little(octets, 16, chunk.ids.back(), 8);
  set_little(octets, 24, chunk.ids.front(), 8);
  set_little(octets, 32, chunk.ids.back(), 8);
  set_little(octets, 40, 128, 4);
  set_little(octets, 44, chunk.last_record, 4);
  set_little(octets, 48, free_space, 4);
  set_little(octets, 52, checksum(octets, kEvtxChunkHeader, free_space), 4);
  set_little(octets, 124, checksum(octets, 128, 512, checksum(octets, 0, 120)), 4);
  return octets;
}

Octets EvtxWriter::chunk_of(const std::vector<TestRecord>& records) {
  Chunk chunk = new_chunk();
  for (const TestRecord& record : records) POSTERN_ASSERT(write(chunk, record));
  return closed(std::move(chunk));
}

Octets EvtxWriter::finish(bool dirty) {
  end_chunk();
  const std::size_t count = chunks_.size() / kEvtxChunk;
  Octets file(kEvtxFileHeaderBlock);
  const std::string_view magic("ElfFile\0", 8);
  std::copy(magic.begin(), magic.end(), file.begin());
  set_little(file, 16, count == 0 ? 0 : count - 1, 8);
  set_little(file, 24, next_id_, 8);
  set_little(file, 32, 128, 4);
  set_little(file, 36, 1, 2);
  set_little(file, 38, 3, 2);
  set_little(file, 40, kEvtxFileHeaderBlock, 2);
  set_little(file, 42, count, 2);
  set_little(file, 120, dirty ? 1 : 0, 4);
  set_little(file, 124, checksum(file, 0, 120), 4);
  put_octets(file, chunks_);
  return file;
}

void EvtxWriter::put_name(Chunk& chunk, const std::string& name) {
  Octets& octets = chunk.octets;
  const auto known = chunk.names.find(name);
  if (known != chunk.names.end()) return put_u32(octets, known->second);
  const auto at = static_cast<std::uint32_t>(octets.size() + 4);
  chunk.names[name] = at;
  put_u32(octets, at);
  put_u32(octets, 0);
  std::uint32_t hash = 0;
  for (const char c : name) hash = hash * 65599 + static_cast<std::uint8_t>(c);
  put_u16(octets, hash & 0xFFFF);
  put_u16(octets, name.size());
  put_octets(octets, utf16(name));
  put_u16(octets, 0);
}

void EvtxWriter::put_element(Chunk& chunk, const XmlElement& element, bool with_dependency) {
  Octets& octets = chunk.octets;
  const bool has_attributes = !element.attributes.empty();
  octets.push_back(has_attributes ? 0x41 : 0x01);
  if (with_dependency) put_u16(octets, 0xFFFF);
  const std::size_t size_at = octets.size();
  put_u32(octets, 0);
  put_name(chunk, element.name);
  if (has_attributes) {
    const std::size_t list_at = octets.size();
    put_u32(octets, 0);
    for (std::size_t i = 0; i < element.attributes.size(); ++i) {
      octets.push_back(i + 1 < element.attributes.size() ? 0x46 : 0x06);
      put_name(chunk, element.attributes[i].first);
      for (const XmlPart& part : element.attributes[i].second) {
        put_part(chunk, part, with_dependency);
      }
    }
    set_little(octets, list_at, octets.size() - list_at - 4, 4);
  }
  if (element.content.empty()) {
    octets.push_back(0x03);
  } else {
    octets.push_back(0x02);
    for (const XmlPart& part : element.content) put_part(chunk, part, with_dependency);
    octets.push_back(0x04);
  }
  set_little(octets, size_at, octets.size() - size_at - 4, 4);
}

void EvtxWriter::put_part(Chunk& chunk, const XmlPart& part, bool with_dependency) {
  Octets& octets = chunk.octets;
  switch (part.kind) {
    case XmlPart::Kind::text:
      put_octets(octets, Octets{0x05, 0x01});
      put_u16(octets, part.text.size());
      return put_octets(octets, utf16(part.text));
    case XmlPart::Kind::typed:
      put_octets(octets, Octets{0x05, static_cast<std::uint8_t>(part.type)});
      return put_octets(octets, part.octets);
    case XmlPart::Kind::cdata:
      octets.push_back(0x07);
      put_u16(octets, part.text.size());
      return put_octets(octets, utf16(part.text));
    case XmlPart::Kind::character:
      octets.push_back(0x08);
      return put_octets(octets, utf16(part.text));
    case XmlPart::Kind::entity:
      octets.push_back(0x09);
      return put_name(chunk, part.text);
    case XmlPart::Kind::value:
    case XmlPart::Kind::optional_value:
      octets.push_back(part.kind == XmlPart::Kind::value ? 0x0D : 0x0E);
      put_u16(octets, part.index);
      return octets.push_back(static_cast<std::uint8_t>(part.type));
    case XmlPart::Kind::element:
      return put_element(chunk, *part.element, with_dependency);
  }
}

void EvtxWriter::put_instance(Chunk& chunk, const TestTemplate& used,
                              const std::vector<TestValue>& values) {
  Octets& octets = chunk.octets;
  put_octets(octets, Octets{0x0C, 0x01});
  put_u32(octets, used.id);
  const auto known = chunk.templates.find(used.id);
  if (known != chunk.templates.end()) {
    put_u32(octets, known->second);
  } else {
    const auto at = static_cast<std::uint32_t>(octets.size() + 4);
    chunk.templates[used.id] = at;
    put_u32(octets, at);
    put_u32(octets, 0);
    put_u32(octets, used.id);
    for (int i = 0; i < 3; ++i) put_u32(octets, 0x44332211);
    const std::size_t size_at = octets.size();
    put_u32(octets, 0);
    put_octets(octets, Octets{0x0F, 1, 1, 0});
    put_element(chunk, used.root, true);
    octets.push_back(0);
    set_little(octets, size_at, octets.size() - size_at - 4, 4);
  }
  put_u32(octets, values.size());
  const std::size_t descriptors = octets.size();
  for (const TestValue& item : values) put_u32(octets, std::uint32_t{item.raw_type} << 16);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::size_t begin = octets.size();
    put_value(chunk, values[i]);
    set_little(octets, descriptors + i * 4, octets.size() - begin, 2);
  }
}

void EvtxWriter::put_value(Chunk& chunk, const TestValue& item) {
  if (!item.nested) return put_octets(chunk.octets, item.octets);
  put_octets(chunk.octets, Octets{0x0F, 1, 1, 0});
  if (item.nested->id != 0) {
    put_instance(chunk, *item.nested, item.values);
  } else {
    put_element(chunk, item.nested->root, false);
  }
  chunk.octets.push_back(0);
}

}  // namespace postern::windows::testing
