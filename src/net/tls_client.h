// TLS towards another DNS server (RFC 7858, 9103), by OpenSSL.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "net/dns_server.h"

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;

namespace postern::net {

struct SslFree {
  void operator()(ssl_st* ssl) const;
};
using Ssl = std::unique_ptr<ssl_st, SslFree>;

/// What all connections to one server share: trust, and the session to resume. One thread.
class TlsClient {
 public:
  enum class Oldest : std::uint8_t { tls_1_2, tls_1_3 };

  /// ALPN "dot". The certificate must carry the server's name (or, without one, its
  /// address) and lead to the CA file's or the system's authorities; or, where there are pins,
  /// hold one of their keys, whatever its name. Errors: the CA file does not read.
  static Result<std::unique_ptr<TlsClient>> create(const DnsServer& server, Oldest oldest);
  ~TlsClient();
  TlsClient(const TlsClient&) = delete;
  TlsClient& operator=(const TlsClient&) = delete;

  /// A client's side over `fd`, before its handshake; null where memory is out. Resumes the last
  /// session there was. The client must outlive it.
  Ssl connect(int fd);

  /// After the handshake: whether the server is the one we want.
  bool accepts(ssl_st* ssl) const;

  /// Why the handshake of `ssl` failed, for the log; clears OpenSSL's error queue.
  static std::string failure_of(ssl_st* ssl);

 private:
  explicit TlsClient(const DnsServer& server) : server_(server) {}
  static int keep_session(ssl_st* ssl, ssl_session_st* session);

  const DnsServer server_;
  ssl_ctx_st* context_ = nullptr;
  ssl_session_st* session_ = nullptr;
};

}  // namespace postern::net
