// PrivateInternet: runs tests/support/internet/internet.py for the length of a test.
#pragma once

#include <string>

#include <sys/types.h>

namespace postern::test {

/// Name servers on loopback, see tests/support/internet/README.md. Ends them when it goes.
class PrivateInternet {
 public:
  enum class WithResolver : bool { no, yes };

  PrivateInternet() = default;
  ~PrivateInternet();
  PrivateInternet(const PrivateInternet&) = delete;
  PrivateInternet& operator=(const PrivateInternet&) = delete;

  /// Waits until everything answers, 20 s at most. "" or why it did not start; a reason that
  /// begins with "skipped:" means that this machine cannot run it.
  std::string start(WithResolver with_resolver = WithResolver::no);

  /// "127.53.0.3" for 3.
  std::string address(unsigned last_octet) const;
  /// A file of the running internet: "root.hints", "root.ds", "tls.crt", "ready.json".
  std::string path(const std::string& file) const { return folder_ + "/" + file; }

 private:
  std::string folder_;
  std::string prefix_;
  pid_t child_ = -1;
};

}  // namespace postern::test
