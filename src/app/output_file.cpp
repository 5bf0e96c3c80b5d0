#include "app/output_file.h"

#include <cerrno>
#include <cstdio>
#include <memory>

#include <unistd.h>

namespace postern::app {

Result<void> write_file(const std::string& path, std::string_view text) {
  const std::string beside = path + ".new";
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::fopen(beside.c_str(), "wbe"),
                                                             std::fclose);
  if (!file) return Unexpected<Error>(system_error("write " + beside, errno));
  const bool is_whole = std::fwrite(text.data(), 1, text.size(), file.get()) == text.size() &&
                        std::fflush(file.get()) == 0 && ::fsync(::fileno(file.get())) == 0;
  if (is_whole && std::rename(beside.c_str(), path.c_str()) == 0) return {};
  const Error error = system_error("write " + path, errno);
  ::unlink(beside.c_str());
  return Unexpected<Error>(error);
}

Result<void> write_out(std::string_view text) {
  const bool is_whole =
      std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0;
  if (is_whole) return {};
  return Unexpected<Error>(system_error("write the report", errno));
}

}  // namespace postern::app
