// Condition: what must hold of a row. The rules of our packs and Sigma's become the same ones.
//
// `Fields` collects which fields the conditions of a rule book ask for; `RowFields` holds them of
// one row, each made when it is first asked for; `holds` decides.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/ip.h"
#include "exchange/fold.h"
#include "exchange/regex.h"
#include "exchange/row.h"

namespace postern::exchange {

/// What is made of a row's values, beside the values themselves.
enum class Made : std::uint8_t {
  column,     ///< A value as it is.
  text,       ///< The whole line; of an event all its values, with line breaks between.
  query,      ///< `sent_query`.
  url,        ///< The stem, and '?' and the query where there is one.
  extension,  ///< `stem_extension` the stem.
  client,     ///< `client_of` the row.
};

/// A field as a condition names it.
struct Field {
  Made made = Made::column;
  std::vector<std::string> names;  ///< Of a column: the first that the row has counts.
  std::optional<Common> common;    ///< Of a column that several logs have: instead of `names`.
  bool decoded = false;            ///< Through `decode_escapes`.

  bool operator==(const Field&) const = default;
};

/// The number of a field in `Fields`.
using FieldIndex = std::uint16_t;

/// The fields that the conditions of one rule book ask for.
class Fields {
 public:
  /// More are refused (nullopt): the published rules use some 100.
  static constexpr std::size_t kMaxFields = 4'096;

  std::optional<FieldIndex> add(Field field);
  /// As people write it: "query", "url", "extension", "text" and "client" are made, names of
  /// `common_of` are what each log calls it, anything else is a column of that name.
  std::optional<FieldIndex> add(std::string_view name, bool decoded);

  const Field& operator[](FieldIndex index) const { return fields_[index]; }
  std::size_t size() const { return fields_.size(); }
  /// How its values are compared: blanks of a web log come in disguise.
  Fold fold(FieldIndex index) const;

 private:
  std::vector<Field> fields_;
};

/// What the rules may ask that no row says.
class Surroundings {
 public:
  Surroundings() = default;
  Surroundings(const Surroundings&) = delete;
  Surroundings& operator=(const Surroundings&) = delete;
  virtual ~Surroundings() = default;

  /// Whether an address is of the organisation's own. Here: of no network of the Internet.
  virtual bool is_own(const IpAddress& address) const;
  /// Whether the server has, or Microsoft ships, a page at this path of a URL. Here: nothing is
  /// known, false.
  virtual bool has_page(std::string_view stem) const;
};

enum class Op : std::uint8_t {
  equals,
  starts,
  ends,
  contains,
  matches,  ///< `regexes`.
  within,   ///< An address within `prefixes`.
  less,     ///< Than `number`. A value that is no number is never less, greater or equal.
  at_most,
  greater,
  at_least,
  is_empty,
  is_there,  ///< The row has such a column, though it may be empty.
  is_own,    ///< Surroundings::is_own.
  is_page,   ///< Surroundings::has_page.
};

/// One question to one field. An empty field equals nothing but "".
struct Test {
  FieldIndex field = 0;
  Op op{};
  Fold fold = Fold::ascii;
  bool all = false;                 ///< All of the values, not any.
  std::vector<std::string> values;  ///< Folded; of `equals` sorted.
  std::vector<Regex> regexes;
  std::vector<IpPrefix> prefixes;
  std::uint64_t number = 0;
};

/// A tree. Empty `all` holds, empty `any` does not.
struct Condition {
  enum class Kind : std::uint8_t { all, any, none, test };

  /// Deeper ones are refused by whoever reads them.
  static constexpr std::size_t kMaxDepth = 24;

  Kind kind = Kind::all;  ///< `none`: not any of the children.
  std::vector<Condition> children;
  Test test;
};

Condition all_of(std::vector<Condition> children);
Condition any_of(std::vector<Condition> children);
Condition none_of(Condition child);
Condition condition_of(Test test);
/// A test of texts: folds the values as the field wants it (`Case::matters`: not at all).
Test text_test(const Fields& fields, FieldIndex field, Op op, std::vector<std::string> values,
               Case letters = Case::ignored);

/// The fields of one row at a time. Not for two threads at once.
class RowFields {
 public:
  /// `fields` must outlive it and not grow meanwhile.
  explicit RowFields(const Fields& fields);

  /// From now on of this row, whose `text` is as Made::text wants it. Schemas are known by their
  /// address: call `forget` before a new reader's rows.
  void set(const Row& row, std::string_view text);
  void forget();

  std::string_view get(FieldIndex index);
  bool is_there(FieldIndex index) const { return (*columns_)[index] != kNoColumn; }
  const Row& row() const { return *row_; }

 private:
  std::vector<Column> columns_of(const Schema& schema) const;
  std::string_view make(FieldIndex index);
  std::string_view make_plain(FieldIndex index, std::string& room);

  const Fields& fields_;
  const Row* row_ = nullptr;
  std::string_view text_;
  const Schema* schema_ = nullptr;
  const std::vector<Column>* columns_ = nullptr;
  std::unordered_map<const Schema*, std::vector<Column>> known_;
  std::uint64_t turn_ = 0;
  std::vector<std::uint64_t> made_at_;  ///< The turn of each value.
  std::vector<std::string_view> values_;
  std::vector<std::string> rooms_;
};

/// Work is bounded by the condition's size times the row's.
bool holds(const Condition& condition, RowFields& fields, const Surroundings& surroundings);

}  // namespace postern::exchange
