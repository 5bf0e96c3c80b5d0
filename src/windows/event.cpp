#include "windows/event.h"

namespace postern::windows {
namespace {

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

bool equal_but_for_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

}  // namespace

const std::string_view* Event::find(std::string_view name) const {
  for (const EventField& field : data) {
    if (equal_but_for_case(field.name, name)) return &field.value;
  }
  return nullptr;
}

const std::string_view* Event::unnamed(std::size_t index) const {
  for (const EventField& field : data) {
    if (!field.name.empty()) continue;
    if (index == 0) return &field.value;
    --index;
  }
  return nullptr;
}

}  // namespace postern::windows
