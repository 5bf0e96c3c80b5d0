#include "files/not_examined.h"

namespace postern::files {

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::vanished:
      return "vanished";
    case Reason::denied:
      return "denied";
    case Reason::unreadable:
      return "unreadable";
    case Reason::link:
      return "link";
    case Reason::special:
      return "special";
    case Reason::loop:
      return "loop";
    case Reason::too_deep:
      return "too deep";
    case Reason::too_many:
      return "too many";
    case Reason::too_large:
      return "too large";
    case Reason::changed:
      return "changed";
    case Reason::not_understood:
      return "not understood";
    case Reason::timed_out:
      return "timed out";
  }
  return "unknown";
}

Reason reason_of(const Error& error) {
  switch (error.code) {
    case Errc::not_found:
      return Reason::vanished;
    case Errc::denied:
      return Reason::denied;
    case Errc::limit_exceeded:
      return Reason::too_large;
    case Errc::timed_out:
      return Reason::timed_out;
    case Errc::corrupt:
      return Reason::not_understood;
    case Errc::invalid_input:
    case Errc::unavailable:
      break;
  }
  return Reason::unreadable;
}

void NotExaminedList::add(std::string_view path, Reason reason, std::string_view text) {
  ++count_;
  if (named_.size() < kMaxNamed) {
    named_.push_back({std::string(path), reason, std::string(text)});
  }
}

void NotExaminedList::add(std::string_view path, const Error& error) {
  add(path, reason_of(error), error.text);
}

}  // namespace postern::files
