// A million names that real feeds carry: every one of them is blocked, and no other is.
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "policy/generation.h"

namespace postern::policy {
namespace {

/// The names of the feed's first column, read through gzip; empty where it cannot be read.
std::vector<dns::Name> read_names(const std::filesystem::path& path) {
  std::vector<dns::Name> names;
  const std::string command = "gzip -dc '" + path.string() + "'";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  if (pipe == nullptr) return names;
  char line[4096];
  while (std::fgets(line, sizeof line, pipe.get()) != nullptr) {
    const std::string_view text(line);
    const auto name = dns::Name::from_text(text.substr(0, text.find(',')));
    if (name && name->label_count() > 1) names.push_back(*name);
  }
  return names;
}

std::filesystem::path shared_data() {
  const char* const set = std::getenv("POSTERN_SHARED_DATA");
  return set != nullptr ? set : POSTERN_SOURCE_DIR "/../shared/data";
}

TEST(MillionNames, AllAreBlockedAndNoOthers) {
  const auto path = shared_data() / "feeds/maltrail/domains.csv.gz";
  if (!std::filesystem::exists(path)) GTEST_SKIP() << "no " << path << ": set POSTERN_SHARED_DATA";
  const std::vector<dns::Name> names = read_names(path);
  ASSERT_GE(names.size(), 1'000'000U);

  auto exact = std::make_shared<ZoneRules>();
  auto wild = std::make_shared<ZoneRules>();
  for (const dns::Name& name : names) {
    exact->add({.name = name});
    wild->add({.name = name, .scope = Scope::at_and_below});
  }
  PolicyInput input;
  input.hash_key = 0x5eed;
  input.zones = {{{.name = "exact"}, exact}, {{.name = "wild"}, wild}};
  input.groups.resize(2);
  input.groups[0].zones = {0};
  input.groups[1].zones = {1};
  const auto from = Generation::compile(std::move(input)).value();

  const dns::Name www = dns::Name::from_text("zz-www").value();
  std::size_t wrong = 0;
  for (const dns::Name& name : names) {
    const dns::Name child = name.with_prefix(www).value_or(name);
    const Verdict verdict = from->decide(0, name);
    if (!verdict.blocks() || from->rule(verdict).name != name) ++wrong;
    if (from->decide(0, child).matched) ++wrong;  // The feed has no such child.
    if (!from->decide(1, name).blocks() || !from->decide(1, child).blocks()) ++wrong;
  }
  EXPECT_EQ(wrong, 0U);
  // The same names with another end: alike in all but the last label.
  std::size_t found = 0;
  for (const dns::Name& name : names) {
    const Verdict verdict =
        from->decide(1, dns::Name::from_text("invalid").value().with_prefix(name).value());
    if (verdict.matched) ++found;
  }
  EXPECT_EQ(found, 0U);
  for (const char* good : {"debian.org", "www.debian.org", "ietf.org", "iana.org", "com", "co.uk",
                           "kernel.org", "rfc-editor.org", "gnu.org", "."}) {
    EXPECT_FALSE(from->decide(1, dns::Name::from_text(good).value()).matched) << good;
  }
}

}  // namespace
}  // namespace postern::policy
