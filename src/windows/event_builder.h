// Makes an Event of a document as it is told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "windows/binxml_runner.h"
#include "windows/event.h"
#include "windows/text_arena.h"

namespace postern::windows {

/// Used again for record after record. What it gives lives until the next `begin`; names as long as
/// those of the runner.
class EventBuilder final : public BinXmlSink {
 public:
  /// Forgets the record before. `budget` is asked before text is copied.
  void begin(WorkBudget& budget);
  /// The document is over. The caller fills in what stands in the record's header.
  Event& finish();

  void open(std::string_view name, KnownName known) override;
  void attribute(std::string_view name, KnownName known) override;
  void content() override;
  void text(std::string_view text) override;
  void value(const BinXmlValue& value, bool optional) override;
  void close() override;

 private:
  static constexpr std::size_t kMaxPath = 512;  // Octets of a field's name.

  /// <System>, or what is shown as fields; root is what holds them.
  enum class Section : std::uint8_t { root, system, data };
  struct Level {
    Section section{};
    KnownName known{};
    bool is_section = false;    ///< The element that a section begins with.
    bool has_inner = false;     ///< Other elements, or attributes that are fields.
    bool in_path = false;       ///< Its part is in `path_`.
    std::size_t path_size = 0;  ///< Of `path_`, without it.
    std::string_view part;      ///< What it adds to the name of fields.
  };

  static Level level_below(const Level* parent, std::string_view name, KnownName known);
  void enter_path(Level& level);
  void begin_text();
  std::string_view whole_text();
  void end_attribute();
  void end_text(const Level& level);
  void system_attribute(KnownName element);
  void system_text(KnownName element);
  std::uint64_t number();
  void data_attribute(Level& level);
  void add_field(std::string_view part, std::string_view separator, std::string_view text);

  Event event_;
  std::vector<EventField> fields_;
  TextArena text_;
  WorkBudget* budget_ = nullptr;

  std::vector<Level> levels_;
  std::string path_;  ///< Of the elements around the innermost one: "LogFileCleared/Subject".

  bool in_attribute_ = false;
  std::string_view attribute_name_;
  KnownName attribute_known_{};

  // The text of the innermost element or attribute so far: one view, or several put together.
  std::size_t piece_count_ = 0;
  std::string_view piece_;
  std::string pieces_;
  std::optional<std::uint64_t> number_;  ///< In <System>: the value, where it is a number.
};

}  // namespace postern::windows
