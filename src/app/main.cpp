// postern: one program, one word for what it shall do.
#include <cstdio>
#include <exception>
#include <vector>

#include "app/commands.h"

int main(int count, char** values) {
  const std::vector<std::string_view> words(values + (count > 0 ? 1 : 0), values + count);
  try {
    return postern::app::run(count > 0 ? values[0] : "postern", words);
  } catch (const std::exception& e) {  // Nothing of ours throws; a library might.
    std::fprintf(stderr, "postern: %s\n", e.what());
    return postern::app::kExitFailed;
  }
}
