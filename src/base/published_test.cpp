#include "base/published.h"

#include <thread>
#include <vector>

#include <gtest/gtest.h>

namespace postern {
namespace {

TEST(Published, AReaderSeesANewVersionAtItsNextGet) {
  Published<int> published(std::make_shared<const int>(1));
  Published<int>::Reader reader(published);
  EXPECT_EQ(reader.get(), 1);
  published.publish(std::make_shared<const int>(2));
  EXPECT_EQ(reader.get(), 2);
}

TEST(Published, ReadersOnlyEverSeeWholeVersionsInOrder) {
  struct Pair {
    int a = 0;
    int b = 0;
  };
  Published<Pair> published(std::make_shared<const Pair>());
  {
    std::vector<std::jthread> readers;
    for (int i = 0; i < 2; ++i) {
      readers.emplace_back([&] {
        Published<Pair>::Reader reader(published);
        int last = 0;
        while (last < 2000) {
          const Pair& pair = reader.get();
          ASSERT_EQ(pair.a, pair.b);
          ASSERT_GE(pair.a, last);
          last = pair.a;
        }
      });
    }
    for (int i = 1; i <= 2000; ++i) published.publish(std::make_shared<const Pair>(Pair{i, i}));
  }
}

}  // namespace
}  // namespace postern
