#include "dns/rdata.h"

#include "base/assert.h"
#include "dns/encoding.h"
#include "dns/rdata_format.h"
#include "dns/rdata_layout.h"

namespace postern::dns {

Result<Octets> rdata_from_text(RRType type, std::string_view text, const Name& origin) {
  Lexer lexer(text);
  Octets rdata;
  POSTERN_CHECK(parse_rdata(type, lexer, origin, rdata));
  if (!lexer.at_end()) return fail(Errc::invalid_input, "a line's end inside the record data");
  return rdata;
}

std::string rdata_to_text(RRType type, OctetView message, std::size_t rdata_offset,
                          std::size_t rdata_size) {
  POSTERN_ASSERT(rdata_offset <= message.size() && rdata_size <= message.size() - rdata_offset);
  std::string text;
  if (print_rdata(type, message, rdata_offset, rdata_size, text)) return text;
  text = "\\# " + std::to_string(rdata_size);
  if (rdata_size > 0) text += ' ';
  append_hex(message.subspan(rdata_offset, rdata_size), text);
  return text;
}

std::string rdata_to_text(RRType type, OctetView rdata) {
  return rdata_to_text(type, rdata, 0, rdata.size());
}

bool rdata_target(RRType type, OctetView message, const Record& record, Name& target) {
  std::size_t skipped = 0;  // Octets before the name.
  switch (type) {
    case RRType::cname:
    case RRType::dname:
    case RRType::ns:
    case RRType::ptr:
      break;
    case RRType::mx:
    case RRType::svcb:
    case RRType::https:
      skipped = 2;
      break;
    case RRType::srv:
      skipped = 6;
      break;
    default:
      return false;
  }
  if (record.rdata.size() <= skipped) return false;
  std::size_t at = record.rdata_offset + skipped;
  const std::size_t end = record.rdata_offset + record.rdata.size();
  if (end > message.size() || !target.assign_from_wire(message.first(end), at)) return false;
  return !target.is_root();
}

bool expand_rdata(OctetView message, const Record& record, Octets& out) {
  out.clear();
  const std::string_view layout = name_layout(record.type);
  if (layout.empty() || record.rdata.empty()) {
    out.assign(record.rdata.begin(), record.rdata.end());
    return layout.empty();
  }
  const auto append = [&out](OctetView octets) {
    out.insert(out.end(), octets.begin(), octets.end());
  };
  return walk_rdata(layout, {message, record.rdata_offset, record.rdata.size()}, append,
                    [&](std::size_t at) {
                      std::array<std::uint8_t, Name::kMaxOctets> labels;
                      const auto size = expand_name(message, at, labels);
                      if (size) append({labels.data(), *size});
                    });
}

}  // namespace postern::dns
