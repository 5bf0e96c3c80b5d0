#include "net/tls_server.h"

#include <string_view>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "net/openssl_error.h"

namespace postern::net {
namespace {

constexpr unsigned char kDot[] = {3, 'd', 'o', 't'};

/// Chooses "dot" where the client offers it, else ends the handshake.
constexpr auto kChooseProtocol = [](ssl_st*, const unsigned char** chosen, unsigned char* size,
                                    const unsigned char* offered, unsigned offered_size, void*) {
  unsigned char* found = nullptr;
  const int outcome = SSL_select_next_proto(&found, size, kDot, sizeof kDot, offered, offered_size);
  if (outcome != OPENSSL_NPN_NEGOTIATED) return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
};

}  // namespace

Result<std::shared_ptr<const TlsServer>> TlsServer::create(const std::string& certificate_file,
                                                           const std::string& key_file) {
  std::shared_ptr<TlsServer> server(new TlsServer());
  SSL_CTX* context = SSL_CTX_new(TLS_server_method());
  server->context_ = context;
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1) {
    return fail(Errc::unavailable, openssl_error("set up TLS"));
  }
  ERR_clear_error();
  if (SSL_CTX_use_certificate_chain_file(context, certificate_file.c_str()) != 1) {
    return fail(Errc::invalid_input, openssl_error("read the certificate " + certificate_file));
  }
  if (SSL_CTX_use_PrivateKey_file(context, key_file.c_str(), SSL_FILETYPE_PEM) != 1) {
    return fail(Errc::invalid_input, openssl_error("read the key " + key_file));
  }
  if (SSL_CTX_check_private_key(context) != 1) {
    return fail(Errc::invalid_input,
                openssl_error("the key " + key_file + " is not that of " + certificate_file));
  }
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_alpn_select_cb(context, kChooseProtocol, nullptr);
  return server;
}

TlsServer::~TlsServer() {
  SSL_CTX_free(context_);
}

Ssl TlsServer::accept(int fd) const {
  Ssl ssl(SSL_new(context_));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) return nullptr;
  SSL_set_accept_state(ssl.get());
  return ssl;
}

bool TlsServer::accepts(ssl_st* ssl) {
  const unsigned char* protocol = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &protocol, &size);
  return size > 0;
}

}  // namespace postern::net
