// The objects that a JSON text is a list of, one at a time: no text is held as a whole tree.
//
// Start at `read_json_items`. A text is one JSON value (RFC 8259), or several behind each other,
// as in newline-delimited JSON.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "intel/feed_sink.h"
#include "intel/json_value.h"

namespace postern::intel {

/// The keys of all objects around a value, from the outside, as they are written; arrays have none.
using JsonKeys = std::span<const std::string_view>;

/// Where a text has its items.
class JsonItemPlaces {
 public:
  virtual ~JsonItemPlaces() = default;
  /// True if the elements of an array at this place are items.
  virtual bool is_item_array(JsonKeys keys) const = 0;
};

/// What a format does with JSON.
class JsonItemReader : public JsonItemPlaces {
 public:
  /// An item and where it stood. The sink is at its line.
  virtual void read_item(const JsonValue& item, JsonKeys keys) = 0;
};

/// Hands each item to the reader: elements of the arrays it wants (of arrays in them too), and
/// every outermost object that has none of these arrays in it. Outermost are those around which
/// there are only arrays.
///
/// A faulty item is skipped. A text whose outer structure is broken, or that ends inside of it,
/// fails the feed: half a download is worse than yesterday's. Where each line is an object of its
/// own, a broken line costs that line.
void read_json_items(std::string_view text, FeedSink& sink, JsonItemReader& reader);

/// The items of a text as they stand in it, unread. The error, of a broken outer structure, says
/// where and what.
Result<std::vector<std::string_view>> json_item_texts(std::string_view text,
                                                      const JsonItemPlaces& places);

}  // namespace postern::intel
