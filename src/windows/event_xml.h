// Writes a document as XML text as it is told.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "windows/binxml_runner.h"
#include "windows/text_arena.h"

namespace postern::windows {

/// One line, the way Windows shows an event but for spaces: elements without content as
/// <Correlation/>, attributes in double quotes. Characters that XML cannot hold become U+FFFD.
class EventXml final : public BinXmlSink {
 public:
  void begin();
  /// Valid until the next `begin`.
  std::string_view text() const { return out_; }

  void open(std::string_view name, KnownName known) override;
  void attribute(std::string_view name, KnownName known) override;
  void content() override;
  void text(std::string_view text) override;
  void value(const BinXmlValue& value, bool optional) override;
  void close() override;

 private:
  enum class At : std::uint8_t { content, start_tag, attribute_name, attribute };

  void end_attribute();
  void end_start_tag();
  void begin_text();
  void escaped(std::string_view text);
  void name(std::string_view name);

  std::string out_;
  TextArena scratch_;
  std::vector<std::string_view> open_;
  At at_ = At::content;
  std::string_view attribute_;
  bool leave_out_ = false;  ///< The attribute, if nothing follows.
};

}  // namespace postern::windows
