// The published hashes of Microsoft's files, where the machine has them (POSTERN_SHARED_DATA).
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <iostream>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <zlib.h>

#include "exchange/known_good.h"

namespace postern::exchange {
namespace {

std::string unpacked(const std::filesystem::path& path) {
  std::string text;
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) return text;
  std::vector<char> chunk(1 << 20);
  int got = 0;
  while ((got = gzread(file, chunk.data(), static_cast<unsigned>(chunk.size()))) > 0) {
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  gzclose(file);
  return text;
}

TEST(PublishedHashes, BecomeATableThatHoldsThemAll) {
  const char* const shared = std::getenv("POSTERN_SHARED_DATA");
  const auto folder = std::filesystem::path(shared == nullptr ? "/" : shared) / "exchange/baseline";
  const std::string builds = unpacked(folder / "builds.csv");
  const std::string files = unpacked(folder / "known-good.csv.gz");
  if (builds.empty() || files.empty())
    GTEST_SKIP() << "SKIPPED: no published hashes at " << folder << ": set POSTERN_SHARED_DATA";
  KnownGoodBuilder builder;
  ASSERT_TRUE(builder.add_builds(builds).has_value());
  ASSERT_TRUE(builder.add_files(files).has_value());
  EXPECT_EQ(builder.skipped(), 0U);
  const Octets octets = builder.finish().value();
  const std::clock_t before = std::clock();
  const auto table = KnownGood::open(octets);
  ASSERT_TRUE(table.has_value()) << table.error().text;
  std::cout << octets.size() << " octets, " << table->hash_count() << " hashes, opened in "
            << 1000.0 * static_cast<double>(std::clock() - before) / CLOCKS_PER_SEC << " ms CPU\n";
  EXPECT_GT(table->hash_count(), 125'000U);

  // Every row is found again, with its build count and path.
  std::size_t rows = 0;
  for (std::size_t at = files.find('\n') + 1; at < files.size();) {
    const std::size_t end = files.find('\n', at);
    const std::string_view line = std::string_view(files).substr(at, end - at);
    at = end + 1;
    const std::size_t comma = line.rfind(',');
    const std::string path = normal_path(line.substr(65, comma - 65));
    std::size_t count = 1;
    for (const char c : line.substr(comma + 1)) count += c == ' ' ? 1 : 0;
    bool found = false;
    for (const auto& match : table->find(*sha256_of(line.substr(0, 64)))) {
      if (match.path == path && match.builds.size() == count) found = true;
    }
    ASSERT_TRUE(found) << line;
    ++rows;
  }
  EXPECT_EQ(rows, builder.files() + 0U);
  EXPECT_TRUE(table->has_path("frontend/httpproxy/owa/auth/logon.aspx"));
  EXPECT_FALSE(table->has_name("RedirSuiteServerProxy.aspx"));
}

}  // namespace
}  // namespace postern::exchange
