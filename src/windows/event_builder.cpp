#include "windows/event_builder.h"

#include <algorithm>
#include <charconv>

#include "windows/filetime.h"

namespace postern::windows {
namespace {

/// Decimal, or hexadecimal behind "0x"; 0 where it is no number.
std::uint64_t parse_number(std::string_view text) {
  const bool is_hex = text.starts_with("0x") || text.starts_with("0X");
  if (is_hex) text.remove_prefix(2);
  std::uint64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number, is_hex ? 16 : 10);
  return number;
}

}  // namespace

void EventBuilder::begin(WorkBudget& budget) {
  event_ = {};
  fields_.clear();
  text_.clear();
  budget_ = &budget;
  levels_.clear();
  path_.clear();
  in_attribute_ = false;
  begin_text();
}

Event& EventBuilder::finish() {
  event_.data = fields_;
  return event_;
}

EventBuilder::Level EventBuilder::level_below(const Level* parent, std::string_view name,
                                              KnownName known) {
  Level level;
  level.known = known;
  if (parent && parent->section != Section::root) {
    level.section = parent->section;
    // A <Data> has the name that its attribute gives it, or none.
    if (known != KnownName::data || parent->known != KnownName::event_data) level.part = name;
    return level;
  }
  level.is_section = true;
  switch (known) {
    case KnownName::system:
      level.section = Section::system;
      break;
    case KnownName::event_data:
    case KnownName::user_data:
      level.section = Section::data;
      break;
    default:
      level.section = parent ? Section::data : Section::root;
      level.part = name;
  }
  return level;
}

void EventBuilder::open(std::string_view name, KnownName known) {
  end_attribute();
  Level* parent = levels_.empty() ? nullptr : &levels_.back();
  if (parent) {
    if (piece_count_ > 0) end_text(*parent);
    parent->has_inner = true;
    enter_path(*parent);
  }
  Level level = level_below(parent, name, known);
  level.path_size = path_.size();
  levels_.push_back(level);
  begin_text();
}

void EventBuilder::enter_path(Level& level) {
  if (level.in_path || level.section != Section::data || level.part.empty()) return;
  if (path_.size() + level.part.size() + 1 > kMaxPath) return;
  level.in_path = true;
  if (!path_.empty()) path_ += '/';
  path_ += level.part;
}

void EventBuilder::attribute(std::string_view name, KnownName known) {
  end_attribute();
  in_attribute_ = true;
  attribute_name_ = name;
  attribute_known_ = known;
  begin_text();
}

void EventBuilder::content() {
  end_attribute();
  begin_text();
}

void EventBuilder::begin_text() {
  piece_count_ = 0;
  number_.reset();
}

void EventBuilder::text(std::string_view text) {
  if (text.empty()) return;
  if (++piece_count_ == 1) {
    piece_ = text;
    return;
  }
  if (piece_count_ == 2) pieces_ = piece_;
  if (budget_->spend_on_text(text.size())) pieces_ += text;
}

void EventBuilder::value(const BinXmlValue& value, bool) {
  if (value.is_null() || levels_.empty()) return;
  if (levels_.back().section == Section::system) {
    number_ = value_number(value);
    if (number_) return;
  }
  text(value_text(value, text_));
}

std::string_view EventBuilder::whole_text() {
  if (piece_count_ == 0) return {};
  return piece_count_ == 1 ? piece_ : text_.keep(pieces_);
}

std::uint64_t EventBuilder::number() {
  return number_ ? *number_ : parse_number(whole_text());
}

void EventBuilder::close() {
  if (levels_.empty()) return;
  end_attribute();
  const Level level = levels_.back();
  end_text(level);
  path_.resize(level.path_size);
  levels_.pop_back();
  begin_text();
}

void EventBuilder::end_text(const Level& level) {
  if (level.section == Section::system) {
    if (!level.is_section) system_text(level.known);
    return;
  }
  if (level.section == Section::root) return;
  // An empty element says something by being there; one that is there for others does not.
  if (piece_count_ == 0 && (level.has_inner || level.is_section)) return;
  if (level.in_path) {
    add_field({}, {}, whole_text());
  } else {
    add_field(level.part, path_.empty() ? "" : "/", whole_text());
  }
}

void EventBuilder::end_attribute() {
  if (!in_attribute_) return;
  in_attribute_ = false;
  Level& level = levels_.back();
  if (level.section == Section::system) system_attribute(level.known);
  if (level.section == Section::data) data_attribute(level);
  begin_text();
}

void EventBuilder::data_attribute(Level& level) {
  if (level.known == KnownName::data && attribute_known_ == KnownName::name) {
    level.part = whole_text();
    return;
  }
  if (attribute_name_.starts_with("xmlns") || piece_count_ == 0) return;
  level.has_inner = true;
  enter_path(level);
  add_field(attribute_name_, path_.empty() ? "@" : "/@", whole_text());
  path_.resize(level.path_size);
  level.in_path = false;
}

void EventBuilder::add_field(std::string_view part, std::string_view separator,
                             std::string_view text) {
  if (!budget_->spend_on_text(path_.size() + part.size())) return;
  if (path_.empty() && separator.empty()) {
    fields_.push_back({part, text});
    return;
  }
  char* const begin = text_.reserve(path_.size() + separator.size() + part.size());
  char* to = begin;
  for (const std::string_view piece : {std::string_view{path_}, separator, part}) {
    to = std::copy(piece.begin(), piece.end(), to);
  }
  fields_.push_back({text_.commit(begin, to), text});
}

void EventBuilder::system_attribute(KnownName element) {
  using enum KnownName;
  const auto is = [&](KnownName wanted_element, KnownName wanted_attribute) {
    return element == wanted_element && attribute_known_ == wanted_attribute;
  };
  if (is(provider, name)) {
    event_.provider = whole_text();
  } else if (is(provider, guid)) {
    event_.provider_guid = whole_text();
  } else if (is(provider, event_source_name)) {
    event_.source_name = whole_text();
  } else if (is(KnownName::event_id, qualifiers)) {
    event_.qualifiers = static_cast<std::uint32_t>(number());
  } else if (is(time_created, system_time)) {
    if (number_) event_.created = wall_time_of_filetime(*number_);
  } else if (is(execution, process_id)) {
    event_.process_id = static_cast<std::uint32_t>(number());
  } else if (is(execution, thread_id)) {
    event_.thread_id = static_cast<std::uint32_t>(number());
  } else if (is(security, user_id)) {
    event_.user_sid = whole_text();
  }
}

void EventBuilder::system_text(KnownName element) {
  if (piece_count_ == 0 && !number_) return;
  const auto as_u32 = [&] { return static_cast<std::uint32_t>(number()); };
  switch (element) {
    case KnownName::event_id:
      event_.event_id = as_u32();
      break;
    case KnownName::version:
      event_.version = as_u32();
      break;
    case KnownName::level:
      event_.level = as_u32();
      break;
    case KnownName::task:
      event_.task = as_u32();
      break;
    case KnownName::opcode:
      event_.opcode = as_u32();
      break;
    case KnownName::keywords:
      event_.keywords = number();
      break;
    case KnownName::event_record_id:
      event_.event_record_id = number();
      break;
    case KnownName::channel:
      event_.channel = whole_text();
      break;
    case KnownName::computer:
      event_.computer = whole_text();
      break;
    default:
      break;
  }
}

}  // namespace postern::windows
