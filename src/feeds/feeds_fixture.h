// Feeds over a scratch folder, as the program runs them: for the tests of all that they do.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "feeds/feeds.h"
#include "feeds/testing.h"

namespace postern::feeds::testing {

struct FeedsFixture : ::testing::Test {
  Source source(std::string feed) {
    Source source;
    source.zone.name = std::move(feed);
    source.format.format = intel::Format::domains;
    source.fetch_timeout = seconds(20);
    source.max_octets = 1'000'000;
    return source;
  }
  Source text_source(std::string feed, std::string text) {
    Source made = source(std::move(feed));
    made.text = std::move(text);
    return made;
  }
  Source file_source(std::string feed, std::string_view file) {
    Source made = source(std::move(feed));
    made.path = folder.file(file);
    return made;
  }
  Source url_source(std::string feed, std::string url) {
    Source made = source(std::move(feed));
    made.url = std::move(url);
    return made;
  }

  Options options(std::vector<Source> sources) {
    Options made;
    policy::Group everyone;
    everyone.name = "default";
    for (std::uint16_t i = 0; i < sources.size(); ++i) everyone.zones.push_back(i);
    made.groups = {everyone};
    made.sources = std::move(sources);
    made.cache_dir = folder.file("cache");
    made.program = program;
    made.seed = 1;
    made.look_every = look_every;
    return made;
  }
  void start(std::vector<Source> sources) {
    feeds = Feeds::start(options(std::move(sources)), policy, log);
    feeds->wait_until_local_sources_are_in_force();
  }
  // As after a new start of the program.
  void restart(std::vector<Source> sources) {
    feeds.reset();
    policy.publish(policy::Generation::empty());
    start(std::move(sources));
  }

  bool blocks(std::string_view qname) const {
    return policy.current()->decide(0, dns::Name::from_text(qname).value()).blocks();
  }
  std::uint64_t generation() const { return policy.current()->number(); }
  intel::FeedStatus status(std::size_t at = 0) const { return feeds->status().at(at); }
  double metric(std::string_view metric_name, std::string_view feed) const {
    Metrics metrics;
    feeds->collect(metrics);
    for (const Metric& metric : metrics) {
      if (metric.name == metric_name && metric.labels == "feed=\"" + std::string(feed) + "\"") {
        return metric.value;
      }
    }
    return -1;
  }
  // Asks for a feed and waits until that try has ended badly.
  void update_and_fail(const std::string& feed, Acceptance acceptance = Acceptance::checked) {
    const double before = metric("postern_feed_failures_total", feed);
    ASSERT_TRUE(feeds->update(feed, acceptance));
    ASSERT_TRUE(
        eventually([&] { return metric("postern_feed_failures_total", feed) == before + 1; }));
  }

  milliseconds look_every{10'000};
  std::string program = "this build";
  ScratchFolder folder;
  RecordingLog log;
  Published<policy::Generation> policy{policy::Generation::empty()};
  std::unique_ptr<Feeds> feeds;
};

}  // namespace postern::feeds::testing
