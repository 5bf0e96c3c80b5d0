// Asks another program for its opinion.
#pragma once

#include <array>
#include <cstddef>
#include <cstdio>
#include <memory>
#include <string>

namespace postern::windows::testing {

/// What the shell's `command` writes to its standard output.
inline std::string output_of(const std::string& command) {
  std::string output;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), &pclose);
  std::array<char, 4096> piece;
  while (pipe) {
    const std::size_t count = std::fread(piece.data(), 1, piece.size(), pipe.get());
    if (count == 0) break;
    output.append(piece.data(), count);
  }
  return output;
}

}  // namespace postern::windows::testing
