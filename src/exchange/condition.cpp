#include "exchange/condition.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "exchange/address.h"
#include "exchange/url_text.h"

namespace postern::exchange {
namespace {

struct MadeName {
  std::string_view name;
  Made made;
};
constexpr std::array kMadeNames = {
    MadeName{"text", Made::text}, MadeName{"query", Made::query}, MadeName{"url", Made::url},
    MadeName{"extension", Made::extension}, MadeName{"client", Made::client}};

/// What is the same under another name: process starts of Sysmon and of Security.
struct OtherName {
  std::string_view name;
  std::string_view other;
};
constexpr std::array kOtherNames = {
    OtherName{"Image", "NewProcessName"},
    OtherName{"ParentImage", "ParentProcessName"},
    OtherName{"CommandLine", "ProcessCommandLine"},
    OtherName{"User", "SubjectUserName"},
    OtherName{"ProcessId", "NewProcessId"},
    OtherName{"ParentProcessId", "CreatorProcessId"},
};

bool is_agent(const Field& field) {
  if (field.common == Common::agent) return true;
  return std::ranges::any_of(field.names, [](const std::string& name) {
    return same_letters(name, "UserAgent") || same_letters(name, "cs(User-Agent)") ||
           same_letters(name, "ClientInfo");
  });
}

bool is_web_text(const Field& field) {
  if (field.made != Made::column) return true;
  if (field.common) return true;
  return std::ranges::any_of(field.names, [](const std::string& name) {
    return name.starts_with("cs") || name.starts_with("Url");
  });
}

/// Decimal, or hexadecimal behind "0x".
std::optional<std::uint64_t> number_of(std::string_view text) {
  int base = 10;
  if (text.starts_with("0x") || text.starts_with("0X")) {
    base = 16;
    text.remove_prefix(2);
  }
  std::uint64_t value = 0;
  const auto [at, code] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (code != std::errc() || at != text.data() + text.size()) return std::nullopt;
  return value;
}

bool number_holds(const Test& test, std::string_view text) {
  const auto value = number_of(text);
  if (!value) return false;
  switch (test.op) {
    case Op::less:
      return *value < test.number;
    case Op::at_most:
      return *value <= test.number;
    case Op::greater:
      return *value > test.number;
    default:
      return *value >= test.number;
  }
}

constexpr std::size_t kFewValues = 8;

bool equals_any(const Test& test, std::string_view text) {
  if (test.values.size() <= kFewValues) {
    return std::ranges::any_of(test.values, [&](const std::string& value) {
      return equals_folded(text, value, test.fold);
    });
  }
  return std::ranges::binary_search(test.values, folded(text, test.fold));
}

bool text_holds(const Test& test, std::string_view text) {
  if (test.op == Op::equals && !test.all) return equals_any(test, text);
  const auto one = [&](const std::string& value) {
    switch (test.op) {
      case Op::starts:
        return starts_folded(text, value, test.fold);
      case Op::ends:
        return ends_folded(text, value, test.fold);
      case Op::contains:
        return contains_folded(text, value, test.fold);
      default:
        return equals_folded(text, value, test.fold);
    }
  };
  return test.all ? std::ranges::all_of(test.values, one) : std::ranges::any_of(test.values, one);
}

bool regexes_hold(const Test& test, std::string_view text) {
  const auto one = [&](const Regex& regex) { return regex.is_in(text); };
  return test.all ? std::ranges::all_of(test.regexes, one) : std::ranges::any_of(test.regexes, one);
}

std::optional<IpAddress> address_of(std::string_view text) {
  const auto address = IpAddress::from_text(text.substr(0, text.find('%')));
  if (!address) return std::nullopt;
  return *address;
}

bool test_holds(const Test& test, RowFields& fields, const Surroundings& surroundings) {
  if (test.op == Op::is_there) return fields.is_there(test.field);
  const std::string_view text = fields.get(test.field);
  switch (test.op) {
    case Op::equals:
    case Op::starts:
    case Op::ends:
    case Op::contains:
      return text_holds(test, text);
    case Op::matches:
      return regexes_hold(test, text);
    case Op::within: {
      const auto address = address_of(text);
      return address && std::ranges::any_of(test.prefixes, [&](const IpPrefix& prefix) {
               return prefix.contains(*address);
             });
    }
    case Op::is_empty:
      return text.empty();
    case Op::is_own: {
      const auto address = address_of(text);
      return address && surroundings.is_own(*address);
    }
    case Op::is_page:
      return surroundings.has_page(text);
    default:
      return number_holds(test, text);
  }
}

}  // namespace

std::optional<FieldIndex> Fields::add(Field field) {
  const auto known = std::ranges::find(fields_, field);
  if (known != fields_.end()) return static_cast<FieldIndex>(known - fields_.begin());
  if (fields_.size() >= kMaxFields) return std::nullopt;
  fields_.push_back(std::move(field));
  return static_cast<FieldIndex>(fields_.size() - 1);
}

std::optional<FieldIndex> Fields::add(std::string_view name, bool decoded) {
  Field field;
  field.decoded = decoded;
  const auto* made = std::ranges::find(kMadeNames, name, &MadeName::name);
  if (made != kMadeNames.end()) {
    field.made = made->made;
  } else if (const auto common = common_of(name)) {
    field.common = common;
  } else {
    field.names.emplace_back(name);
    const auto* other = std::ranges::find(kOtherNames, name, &OtherName::name);
    if (other != kOtherNames.end()) field.names.emplace_back(other->other);
  }
  return add(std::move(field));
}

Fold Fields::fold(FieldIndex index) const {
  const Field& field = fields_[index];
  if (is_agent(field)) return Fold::agent;
  return is_web_text(field) ? Fold::web : Fold::ascii;
}

bool Surroundings::is_own(const IpAddress& address) const {
  return is_internal(address);
}

bool Surroundings::has_page(std::string_view) const {
  return false;
}

Condition all_of(std::vector<Condition> children) {
  if (children.size() == 1) return std::move(children.front());
  Condition out;
  out.children = std::move(children);
  return out;
}

Condition any_of(std::vector<Condition> children) {
  if (children.size() == 1) return std::move(children.front());
  Condition out;
  out.kind = Condition::Kind::any;
  out.children = std::move(children);
  return out;
}

Condition none_of(Condition child) {
  Condition out;
  out.kind = Condition::Kind::none;
  out.children.push_back(std::move(child));
  return out;
}

Condition condition_of(Test test) {
  Condition out;
  out.kind = Condition::Kind::test;
  out.test = std::move(test);
  return out;
}

Test text_test(const Fields& fields, FieldIndex field, Op op, std::vector<std::string> values,
               Case letters) {
  Test test;
  test.field = field;
  test.op = op;
  test.fold = letters == Case::matters ? Fold::none : fields.fold(field);
  for (std::string& value : values) value = folded(value, test.fold);
  test.values = std::move(values);
  if (op == Op::equals) std::ranges::sort(test.values);
  return test;
}

RowFields::RowFields(const Fields& fields)
    : fields_(fields), made_at_(fields.size(), 0), values_(fields.size()), rooms_(fields.size()) {}

void RowFields::forget() {
  known_.clear();
  schema_ = nullptr;
  columns_ = nullptr;
}

void RowFields::set(const Row& row, std::string_view text) {
  row_ = &row;
  text_ = text;
  ++turn_;
  if (row.schema == schema_) return;
  schema_ = row.schema;
  const auto [at, is_new] = known_.try_emplace(schema_);
  if (is_new) at->second = columns_of(*schema_);
  columns_ = &at->second;
}

std::vector<Column> RowFields::columns_of(const Schema& schema) const {
  std::vector<Column> columns(fields_.size(), kNoColumn);
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const Field& field = fields_[static_cast<FieldIndex>(i)];
    if (field.common) {
      columns[i] = schema.column(*field.common);
    } else if (field.made != Made::column) {
      // Those are there of any row, the stem's and the client's where their columns are.
      columns[i] = field.made == Made::client ? schema.column(Common::client) : Column{0};
    }
    for (const std::string& name : field.names) {
      if (columns[i] == kNoColumn) columns[i] = schema.column(name);
    }
  }
  return columns;
}

std::string_view RowFields::get(FieldIndex index) {
  if (made_at_[index] == turn_) return values_[index];
  made_at_[index] = turn_;
  values_[index] = make(index);
  return values_[index];
}

std::string_view RowFields::make(FieldIndex index) {
  std::string& room = rooms_[index];
  if (!fields_[index].decoded) return make_plain(index, room);
  std::string plain_room;
  const std::string_view plain = make_plain(index, plain_room);
  if (plain.find('%') == std::string_view::npos && plain_room.empty()) return plain;
  decode_escapes(plain, room);
  return room;
}

std::string_view RowFields::make_plain(FieldIndex index, std::string& room) {
  switch (fields_[index].made) {
    case Made::column:
      return row_->value((*columns_)[index]);
    case Made::text:
      return text_;
    case Made::query:
      return sent_query(row_->value(Common::query));
    case Made::extension:
      return stem_extension(row_->value(Common::stem));
    case Made::client:
      return client_of(*row_);
    case Made::url: {
      const std::string_view query = sent_query(row_->value(Common::query));
      if (query.empty()) return row_->value(Common::stem);
      room.assign(row_->value(Common::stem)).append("?").append(query);
      return room;
    }
  }
  return {};
}

bool holds(const Condition& condition, RowFields& fields, const Surroundings& surroundings) {
  const auto child_holds = [&](const Condition& child) {
    return holds(child, fields, surroundings);
  };
  switch (condition.kind) {
    case Condition::Kind::test:
      return test_holds(condition.test, fields, surroundings);
    case Condition::Kind::all:
      return std::ranges::all_of(condition.children, child_holds);
    case Condition::Kind::any:
      return std::ranges::any_of(condition.children, child_holds);
    case Condition::Kind::none:
      return std::ranges::none_of(condition.children, child_holds);
  }
  return false;
}

}  // namespace postern::exchange
