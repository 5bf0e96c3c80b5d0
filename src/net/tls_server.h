// TLS towards clients of ours (RFC 9103), by OpenSSL.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "net/tls_client.h"

namespace postern::net {

/// A certificate with its key, and what is spoken with it: TLS 1.3 and ALPN "dot" alone. Never
/// changes; from any thread.
class TlsServer {
 public:
  /// PEM: the certificate first, then those between it and the authority. Errors: `invalid_input`,
  /// a file cannot be read or the key is not the certificate's.
  static Result<std::shared_ptr<const TlsServer>> create(const std::string& certificate_file,
                                                         const std::string& key_file);
  ~TlsServer();
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  /// A server's side over `fd`, before its handshake; null where memory is out. May outlive the
  /// TlsServer.
  Ssl accept(int fd) const;

  /// After the handshake: whether the client has said what it speaks (RFC 9103 §7.1).
  static bool accepts(ssl_st* ssl);

 private:
  TlsServer() = default;

  ssl_ctx_st* context_ = nullptr;
};

}  // namespace postern::net
