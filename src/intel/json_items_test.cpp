#include "intel/json_items.h"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "intel/feed_sink.h"

namespace postern::intel {
namespace {

/// Notes each item: its keys, its line by way of a skip, and its "v".
class Notes : public JsonItemReader {
 public:
  explicit Notes(FeedSink& sink) : sink_(sink) {}
  bool is_item_array(JsonKeys keys) const override {
    return !keys.empty() && keys.back() == "items";
  }
  void read_item(const JsonValue& item, JsonKeys keys) override {
    std::string out;
    for (const std::string_view key : keys) out += std::string(key) + "/";
    out += item.is_string() ? item.text() : item.text_at("v");
    sink_.skip({}, out);
  }

 private:
  FeedSink& sink_;
};

std::string read(const std::string& text) {
  FeedContent content;
  FeedOptions options;
  FeedSink sink(options, content);
  Notes notes(sink);
  read_json_items(text, sink, notes);
  std::string out;
  for (const SkippedLine& line : content.skipped) {
    out += fmt::format("{}:{} ", line.line, line.text);
  }
  if (const auto end = sink.finish(); !end) out += "error: " + end.error().text;
  return out;
}

TEST(JsonItems, AreFoundWhereverTheirArrayIs) {
  const struct {
    std::string text;
    std::string want;
  } cases[] = {
      {R"({"items": [{"v": "a"}, {"v": "b"}]})", "1:items/a 1:items/b "},
      {"{\"items\": [\n{\"v\": \"a\"},\n\n  {\n\"v\": \"b\"\n}]}\n", "2:items/a 4:items/b "},
      {R"({"x": {"items": ["a", "b"]}, "y": [1, {"items": ["c"]}]})",
       "1:x/items/a 1:x/items/b 1:y/items/c "},
      // Arrays in the array are part of it; what is inside of an item is the item's.
      {R"({"items": [["a", ["b"]], {"v": "c", "items": ["d"]}]})",
       "1:items/a 1:items/b 1:items/c "},
      // Outermost objects without such an array are items: in arrays, behind each other, alone.
      {R"([{"v": "a"}, {"v": "b"}])", "1:a 1:b "},
      {R"([[{"v": "a"}], {"items": ["b"]}, {"v": "c"}])", "1:a 1:items/b 1:c "},
      {"{\"v\":\"a\"}\n{\"v\":\"b\"}\n\n{\"v\":\"c\"}", "1:a 2:b 4:c "},
      {"{\n \"v\":\"a\"\n}\n{\n \"v\":\"b\"\n}", "1:a 4:b "},
      {R"({"v": "a"}{"v": "b"})", "1:a 1:b "},
      {R"({"items": []})", "1: "},
      // Brackets and quotation marks in strings.
      {R"({"items": [{"v": "}]\"[{\\"}, {"v": "b"}]})", "1:items/}]\"[{\\ 1:items/b "},
      {R"({"\"items": [1], "items": ["\u0061\ud83d\ude00"]})", "1:items/a\xF0\x9F\x98\x80 "},
      {R"([])", ""},
      {R"([1, true, null, "x"])", ""},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(read(c.text), c.want);
  }
}

TEST(JsonItems, ABadItemCostsThatItemAndABadTextTheFeed) {
  const std::string bad =
      " is no JSON: a comma, colon, quotation mark or bracket is missing or too many ";
  const struct {
    std::string text;
    std::string want;
  } cases[] = {
      {R"({"items": [{"v" "a"}, {"v": "b"}]})", "1:\"{\"v\" \"a\"}\"" + bad + "1:items/b "},
      {R"({"items": [{"v": "a"]}, {"v": "b"}]})",
       "1:\"{\"v\": \"a\"]\"" + bad + "error: line 1: a comma or a closing bracket is missing"},
      {"{\"items\": [{\"v\": \"\xff\"}, {\"v\": \"b\"}]}",
       "1:\"{\"v\": \"\xff\"}\" is no UTF-8; convert it 1:items/b "},
      {R"({"items": [{"v": "\x"}]})",
       "1:\"{\"v\": \"\\x\"}\" has a string with a bad escape or a line end in it; correct it "},
      // A line of its own for each object: a bad one costs its line.
      {"{\"v\":\"a\"}\n{\"v\":\n{\"v\":\"c\"}",
       "1:a 2:\"{\"v\":\" is no JSON: the text ends inside an object or array; it was cut off "
       "3:c "},
      // The whole.
      {R"({"items": [{"v": "a"}, {"v": "b")",
       "1:items/a error: line 1: the text ends inside an object or array; it was cut off"},
      {"{\"items\": [\n{\"v\": \"a",
       "error: line 2: the text ends inside a string; it was cut off"},
      {R"({"items": [{"v": "a"} {"v": "b"}]})",
       "1:items/a error: line 1: a comma or a closing bracket is missing"},
      {R"({"items": ["a"}})", "1:items/a error: line 1: a comma or a closing bracket is missing"},
      {R"({"items" ["a"]})", "error: line 1: a colon behind a key is missing"},
      {R"({items: ["a"]})", "error: line 1: a key in quotation marks is missing"},
      {R"({"items": ["a",]})", "1:items/a error: line 1: a value is missing"},
      {R"({"v": 1,})", "error: line 1: a key in quotation marks is missing"},
      {"a.example\nb.example\n",
       "error: line 1: neither an object nor an array; if the text is no JSON, set its format"},
      {R"("text")",
       "error: line 1: neither an object nor an array; if the text is no JSON, set its format"},
      {"]",
       "error: line 1: neither an object nor an array; if the text is no JSON, set its format"},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.text);
    EXPECT_EQ(read(c.text), c.want);
  }
}

TEST(JsonItems, DepthAndSizeAreBounded) {
  EXPECT_EQ(read(std::string(1'000'000, '[')),
            "error: line 1: arrays and objects over 64 deep; check the source");
  const std::string deep = std::string(200, '[') + std::string(200, ']');
  EXPECT_EQ(read("{\"items\": [{\"v\": " + deep + "}, {\"v\": \"b\"}]}").substr(0, 10),
            "1:\"{\"v\": [");
  EXPECT_NE(read("{\"items\": [{\"v\": " + deep + "}, {\"v\": \"b\"}]}").find("1:items/b"),
            std::string::npos);
  const std::string longest(JsonParser::kMaxOctets, 'a');
  const std::string got = read("{\"items\": [{\"v\": \"" + longest + "\"}, {\"v\": \"b\"}]}");
  EXPECT_NE(got.find("is over 1 MiB; no indicator is so long, check the source 1:items/b "),
            std::string::npos);
}

TEST(JsonValue, ShowsWhatJsonSays) {
  JsonParser parser;
  const auto value = parser.parse(
      R"({"a": [1, "x", -5], "b": true, "c": "1", "d": 1.5, "e": null, "f": 18446744073709551615,
          "a": "again", "g": false, "h": "\u00e4\n"})");
  ASSERT_TRUE(value.has_value());
  EXPECT_EQ(value->kind(), JsonKind::object);
  EXPECT_EQ(value->find("a")->kind(), JsonKind::array);
  std::string seen;
  value->find("a")->for_each([&](JsonValue element) {
    seen += element.integer() ? fmt::format("{},", *element.integer())
                              : fmt::format("{},", element.text());
  });
  EXPECT_EQ(seen, "1,x,-5,");
  EXPECT_TRUE(value->find("b")->is_true());
  EXPECT_TRUE(value->find("c")->is_true());
  EXPECT_FALSE(value->find("d")->is_true());
  EXPECT_FALSE(value->find("d")->integer().has_value());
  EXPECT_EQ(value->find("e")->kind(), JsonKind::null);
  EXPECT_FALSE(value->find("f")->integer().has_value());
  EXPECT_FALSE(value->find("g")->is_true());
  EXPECT_EQ(value->text_at("h"), "\xc3\xa4\n");
  EXPECT_EQ(value->text_at("none"), "");
  EXPECT_FALSE(value->find("none").has_value());
  EXPECT_FALSE(parser.parse("").has_value());
  EXPECT_FALSE(parser.parse({}).has_value());
  EXPECT_FALSE(parser.parse("{} {}").has_value());
  EXPECT_FALSE(parser.parse("tru").has_value());
}

}  // namespace
}  // namespace postern::intel
