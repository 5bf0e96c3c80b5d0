// What holds for every format, whatever the text: for the fuzz targets.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/assert.h"
#include "base/octets.h"
#include "intel/feed_sink.h"
#include "intel/format.h"
#include "intel/lint.h"

namespace postern::intel {

inline void check_content(const FeedContent& content, const FeedOptions& options) {
  POSTERN_ASSERT(content.rules.size() > 0);
  POSTERN_ASSERT(content.rules.size() <= options.max_rules);
  POSTERN_ASSERT(content.skipped.size() <= FeedContent::kMaxSkippedKept);
  POSTERN_ASSERT(content.skipped.size() <= content.lines_skipped);
  for (const SkippedLine& skipped : content.skipped) {
    POSTERN_ASSERT(skipped.line <= content.lines);
    POSTERN_ASSERT(!skipped.text.empty());
  }
  for (std::size_t i = 0; i < content.rules.size(); ++i) {
    const policy::Rule rule = content.rules.at(i);
    POSTERN_ASSERT(rule.line >= 1 && rule.line <= content.lines);
    if (policy::has_prefix(rule.trigger)) {
      POSTERN_ASSERT(!refused_as_rule(rule.prefix, rule.trigger, rule.action));
    } else {
      POSTERN_ASSERT(!refused_as_rule(rule.name));
    }
    POSTERN_ASSERT(!options.allow || rule.action == policy::Action::pass);
    const bool has_data = rule.data != policy::kNoData;
    POSTERN_ASSERT(has_data == (rule.action == policy::Action::local_data));
    if (!has_data) continue;
    const auto& records = content.rules.local_data(rule.data);
    POSTERN_ASSERT(!records.empty() && records.size() <= FeedSink::kMaxRecordsPerOwner);
  }
}

/// Reads the octets as a feed, as a block list and as an allow list.
inline void fuzz_feed(FeedOptions options, const std::uint8_t* data, std::size_t size) {
  const std::string_view text = text_of({data, size});
  options.max_rules = 1000;
  const auto blocking = read_feed(text, options);
  if (blocking) check_content(*blocking, options);
  options.allow = true;
  options.scope = policy::Scope::below;
  const auto allowing = read_feed(text, options);
  if (allowing) check_content(*allowing, options);
  static_cast<void>(guess_format(text));
}

}  // namespace postern::intel
