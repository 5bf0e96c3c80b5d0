#include "dns/rdata.h"

#include "dns/rdata_layout.h"

namespace postern::dns {

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
  return walk_rdata(layout, message, record.rdata_offset, record.rdata.size(), append,
                    [&](std::size_t at) {
                      std::array<std::uint8_t, Name::kMaxOctets> labels;
                      const auto size = expand_name(message, at, labels);
                      if (size) append({labels.data(), *size});
                    });
}

}  // namespace postern::dns
