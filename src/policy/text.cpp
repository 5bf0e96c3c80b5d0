// The words for actions and block answers, as configuration, records and pages write them.
#include "policy/rule.h"

namespace postern::policy {

std::string_view to_string(Trigger trigger) {
  switch (trigger) {
    case Trigger::qname:
      return "qname";
    case Trigger::client_ip:
      return "client_ip";
    case Trigger::response_ip:
      return "response_ip";
    case Trigger::nsdname:
      return "nsdname";
    case Trigger::nsip:
      return "nsip";
  }
  return "unknown";
}

std::string_view to_string(Action action) {
  switch (action) {
    case Action::pass:
      return "pass";
    case Action::block:
      return "block";
    case Action::nxdomain:
      return "nxdomain";
    case Action::nodata:
      return "nodata";
    case Action::refuse:
      return "refuse";
    case Action::drop:
      return "drop";
    case Action::tcp_only:
      return "tcp_only";
    case Action::local_data:
      return "local_data";
  }
  return "unknown";
}

std::string_view to_string(BlockAnswer answer) {
  switch (answer) {
    case BlockAnswer::nxdomain:
      return "nxdomain";
    case BlockAnswer::nodata:
      return "nodata";
    case BlockAnswer::null_address:
      return "null_address";
    case BlockAnswer::sinkhole:
      return "sinkhole";
    case BlockAnswer::refused:
      return "refused";
  }
  return "unknown";
}

}  // namespace postern::policy
