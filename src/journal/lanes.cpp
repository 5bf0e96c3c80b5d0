#include "journal/lanes.h"

namespace postern::journal {

void Lanes::push(const event::Query& query) {
  const auto fill = [&query](PackedQuery& slot) { slot.pack(query); };
  if (!query.is_threat()) {
    if (!ordinary_.push_with(fill)) stats_.ordinary_dropped.add();
    return;
  }
  if (threats_.push_with(fill)) return;
  if (ordinary_.push_with(fill)) {
    stats_.threats_diverted.add();
  } else {
    stats_.threats_lost.add();
  }
}

bool Lanes::pop(PackedQuery& out) {
  if (threats_.try_pop(out)) {
    ++popped_.threats;
    return true;
  }
  if (!ordinary_.try_pop(out)) return false;
  ++popped_.ordinary;
  return true;
}

bool Lanes::is_filling() const {
  return ordinary_.size_estimate() > ordinary_.capacity() / 2 ||
         threats_.size_estimate() > threats_.capacity() / 2;
}

}  // namespace postern::journal
