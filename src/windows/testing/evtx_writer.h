// Writes event logs for tests: templates, values of all types, several chunks.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/octets.h"
#include "windows/binxml_value.h"

namespace postern::windows::testing {

struct XmlElement;

/// A piece of an attribute's value or an element's content.
struct XmlPart {
  enum class Kind : std::uint8_t {
    text,
    typed,
    cdata,
    character,
    entity,
    value,
    optional_value,
    element
  };

  Kind kind{};
  std::string text{};       ///< ASCII; of an entity its name, of a character that one.
  std::uint16_t index = 0;  ///< Of a value,
  ValueType type{};         ///< and its type in the template.
  std::shared_ptr<XmlElement> element{};
  Octets octets{};  ///< Of what is typed: a value in the element itself, of `type`.
};

struct XmlElement {
  std::string name;
  std::vector<std::pair<std::string, std::vector<XmlPart>>> attributes{};
  std::vector<XmlPart> content{};
};

XmlPart text(std::string_view text);
XmlPart value(std::uint16_t index, ValueType type = ValueType::string);
XmlPart optional(std::uint16_t index, ValueType type = ValueType::string);
XmlPart element(XmlElement element);
XmlPart typed(ValueType type, Octets octets);

struct TestTemplate {
  std::uint32_t id = 0;
  XmlElement root;
};

/// A value of an instance: octets of a type, or BinXML in it.
struct TestValue {
  std::uint8_t raw_type = 0;
  Octets octets{};
  std::shared_ptr<TestTemplate> nested{};  ///< An instance of this with `values`, or where its id
                                           ///< is 0 the bare element.
  std::vector<TestValue> values{};
};

TestValue null_value();
TestValue string_value(std::string_view ascii);
TestValue number_value(ValueType type, std::uint64_t number);
TestValue octets_value(ValueType type, Octets octets);
TestValue array_value(ValueType type, Octets octets);
TestValue strings_value(const std::vector<std::string>& items);
TestValue nested_value(TestTemplate nested, std::vector<TestValue> values = {});

struct TestRecord {
  std::uint64_t id = 0;
  std::uint64_t filetime = 0;
  std::shared_ptr<TestTemplate> outer;  ///< Written without template where its id is 0.
  std::vector<TestValue> values;
  bool with_dependencies = true;  ///< Without template: false as file servers write it.
};

/// The event that a provider of today logs: <System> with its values 0 to 17, and as value 18 what
/// stands behind it.
TestTemplate modern_template();
/// Values for it.
struct ModernEvent {
  std::string provider = "Microsoft-Windows-Sysmon";
  std::string channel = "Microsoft-Windows-Sysmon/Operational";
  std::string computer = "ex01.example.test";
  std::uint16_t event_id = 11;
  std::uint8_t level = 4;
  std::uint64_t record_id = 1;
  std::uint64_t filetime = kFiletime;
  TestValue data = null_value();

  static constexpr std::uint64_t kFiletime = 132'592'032'123'456'789;  ///< 2021-03-03.
};
TestRecord modern_record(const ModernEvent& event);
/// <EventData> with a <Data Name=…> for each of the names, its value by its place.
TestTemplate event_data_template(std::uint32_t id, const std::vector<std::string>& names);
/// What a classic provider logs: the strings as one array.
TestRecord classic_record(std::uint64_t id, const std::vector<std::string>& strings);

class EvtxWriter {
 public:
  /// Begins a new chunk where the record does not fit.
  void add(const TestRecord& record);
  void end_chunk();
  /// The file; `dirty`: as it is while the log is written to.
  Octets finish(bool dirty = false);

  /// A chunk by itself, as it is in the file.
  static Octets chunk_of(const std::vector<TestRecord>& records);

 private:
  struct Chunk {
    Octets octets;
    std::map<std::string, std::uint32_t> names;
    std::map<std::uint32_t, std::uint32_t> templates;  ///< By id: the offset of the definition.
    std::vector<std::uint64_t> ids;
    std::size_t last_record = 0;
  };

  static Chunk new_chunk();
  static bool write(Chunk& chunk, const TestRecord& record);
  static Octets closed(Chunk chunk);
  static void put_name(Chunk& chunk, const std::string& name);
  static void put_element(Chunk& chunk, const XmlElement& element, bool with_dependency);
  static void put_part(Chunk& chunk, const XmlPart& part, bool with_dependency);
  static void put_instance(Chunk& chunk, const TestTemplate& used,
                           const std::vector<TestValue>& values);
  static void put_value(Chunk& chunk, const TestValue& value);

  Chunk chunk_ = new_chunk();
  Octets chunks_;
  std::uint64_t next_id_ = 1;
};

}  // namespace postern::windows::testing
