#include "base/error.h"

#include <cerrno>
#include <system_error>
#include <utility>

namespace postern {

std::string_view to_string(Errc code) {
  switch (code) {
    case Errc::invalid_input:
      return "invalid input";
    case Errc::limit_exceeded:
      return "limit exceeded";
    case Errc::not_found:
      return "not found";
    case Errc::unavailable:
      return "unavailable";
    case Errc::timed_out:
      return "timed out";
    case Errc::denied:
      return "denied";
    case Errc::corrupt:
      return "corrupt";
  }
  return "unknown error";
}

Error Error::context(std::string_view doing) && {
  std::string longer;
  longer.reserve(doing.size() + 2 + text.size());
  longer.append(doing).append(": ").append(text);
  text = std::move(longer);
  return std::move(*this);
}

Error system_error(std::string_view doing, int error_number) {
  Errc code = Errc::unavailable;
  if (error_number == ENOENT || error_number == ENOTDIR) code = Errc::not_found;
  if (error_number == EACCES || error_number == EPERM) code = Errc::denied;
  if (error_number == EINVAL) code = Errc::invalid_input;
  if (error_number == ETIMEDOUT) code = Errc::timed_out;
  return Error{code, std::string(doing) + ": " + std::generic_category().message(error_number)};
}

}  // namespace postern
