// TLS towards one upstream server (RFC 7858), by OpenSSL.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "resolve/factory.h"

struct ssl_ctx_st;
struct ssl_st;
struct ssl_session_st;

namespace postern::resolve {

struct SslFree {
  void operator()(ssl_st* ssl) const;
};
using Ssl = std::unique_ptr<ssl_st, SslFree>;

/// What all connections to one server share: trust, and the session to resume. One thread.
class TlsClient {
 public:
  /// TLS 1.2 or newer. The certificate must carry the server's name (or, without one, its
  /// address) and lead to the CA file's or the system's authorities; or, where there are pins,
  /// hold one of their keys, whatever its name. Errors: the CA file does not read.
  static Result<std::unique_ptr<TlsClient>> create(const Upstream& upstream);
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
  explicit TlsClient(const Upstream& upstream) : upstream_(upstream) {}
  static int keep_session(ssl_st* ssl, ssl_session_st* session);

  const Upstream upstream_;
  ssl_ctx_st* context_ = nullptr;
  ssl_session_st* session_ = nullptr;
};

}  // namespace postern::resolve
