// A program that reads and builds as the real one does, for the tests of who starts it. With
// another word it does what a reader that was broken into, or broke, might do.
#include <cstdlib>
#include <string>
#include <string_view>

#include <signal.h>
#include <unistd.h>

#include "feeds/build_process.h"

int main(int count, char** words) {
  const std::string_view what = count > 1 ? words[1] : "";
  if (what == "crash") ::raise(SIGSEGV);
  if (what == "fail") return 3;
  if (what == "say nothing") return 0;
  if (what == "never end") ::pause();
  const std::uint64_t max_memory = std::strtoull(words[count - 1], nullptr, 10);
  return postern::feeds::run_build_process(postern::FileDescriptor(postern::feeds::kBuildSocket),
                                           max_memory);
}
