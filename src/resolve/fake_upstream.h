// For tests: an upstream server on loopback that does what the test says, over UDP, TCP, TLS.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/octets.h"
#include "dns/types.h"

struct ssl_ctx_st;

namespace postern::resolve::testing {

/// A self-made certificate for `name` in PEM files, and its pin.
struct Certificate {
  std::string certificate_file;
  std::string key_file;
  std::string pin_base64;  ///< SHA-256 of the SubjectPublicKeyInfo.
};
/// Makes one in `folder`; it names dns.test and 127.0.0.1.
Certificate make_certificate(const std::string& folder);

/// The answer to `query`: its id and question, `rcode`, and an A record 192.0.2.`last_octet`
/// where that is not 0. `flags` are added.
Octets answer_for(OctetView query, std::uint8_t last_octet, dns::Rcode rcode = dns::Rcode::noerror,
                  std::uint16_t flags = 0);
/// The same without a record, but with an extended error.
Octets error_for(OctetView query, dns::Rcode rcode, dns::EdeCode ede, std::string_view text);

/// One thread, one connection at a time; ends with the object.
class FakeUpstream {
 public:
  /// What goes back for one query: datagrams, or messages of a stream; none for silence.
  using Answer = std::function<std::vector<Octets>(OctetView query)>;
  struct Behaviour {
    Answer datagram;
    Answer stream;
    bool close_after_each = false;  ///< The connection, after each call of `stream`.
    const Certificate* tls = nullptr;
  };

  explicit FakeUpstream(Behaviour behaviour);
  ~FakeUpstream();
  FakeUpstream(const FakeUpstream&) = delete;
  FakeUpstream& operator=(const FakeUpstream&) = delete;

  std::uint16_t port() const { return port_; }
  /// "udp://127.0.0.1:PORT".
  std::string url(std::string_view scheme) const;
  unsigned datagrams() const { return datagrams_.load(); }
  unsigned connections() const { return connections_.load(); }
  unsigned resumed() const { return resumed_.load(); }  ///< TLS sessions.

 private:
  void bind_both();
  void run();
  void serve_datagram();
  void serve_connection();
  bool wait_for(int fd);

  Behaviour behaviour_;
  FileDescriptor udp_, tcp_, stop_;
  std::uint16_t port_ = 0;
  ssl_ctx_st* context_ = nullptr;
  std::atomic<unsigned> datagrams_{0}, connections_{0}, resumed_{0};
  std::thread thread_;
};

}  // namespace postern::resolve::testing
