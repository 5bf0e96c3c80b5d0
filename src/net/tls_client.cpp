#include "net/tls_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include <openssl/err.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>

#include "net/openssl_error.h"

namespace postern::net {
namespace {

/// ALPN "dot" (RFC 7858 has none, IANA registered this one), length first.
constexpr std::array<unsigned char, 4> kAlpn{3, 'd', 'o', 't'};

struct X509Free {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

bool has_pinned_key(ssl_st* ssl, std::span<const Octets> pins) {
  const std::unique_ptr<X509, X509Free> certificate(SSL_get1_peer_certificate(ssl));
  if (!certificate) return false;
  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate.get()), &der);
  if (size <= 0) return false;
  Octets digest(SHA256_DIGEST_LENGTH);
  SHA256(der, static_cast<std::size_t>(size), digest.data());
  OPENSSL_free(der);
  return std::ranges::find(pins, digest) != pins.end();
}

}  // namespace

void SslFree::operator()(ssl_st* ssl) const {
  // OpenSSL spoils the session of a connection that ends without this; it would not resume.
  if (SSL_is_init_finished(ssl)) SSL_shutdown(ssl);
  SSL_free(ssl);
  ERR_clear_error();
}

Result<std::unique_ptr<TlsClient>> TlsClient::create(const DnsServer& server, Oldest oldest) {
  std::unique_ptr<TlsClient> client(new TlsClient(server));
  const int version = oldest == Oldest::tls_1_2 ? TLS1_2_VERSION : TLS1_3_VERSION;
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  client->context_ = context;
  if (context == nullptr || SSL_CTX_set_min_proto_version(context, version) != 1 ||
      SSL_CTX_set_alpn_protos(context, kAlpn.data(), kAlpn.size()) != 0) {
    return fail(Errc::unavailable, openssl_error("set up TLS"));
  }
  const std::string& file = server.tls_ca_file;
  const bool loaded = file.empty()
                          ? SSL_CTX_set_default_verify_paths(context) == 1
                          : SSL_CTX_load_verify_locations(context, file.c_str(), nullptr) == 1;
  if (!loaded) return fail(Errc::invalid_input, openssl_error("read CA certificates " + file));
  // With pins the key alone decides, in `accepts`.
  SSL_CTX_set_verify(context, server.tls_pins.empty() ? SSL_VERIFY_PEER : SSL_VERIFY_NONE, nullptr);
  SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_set_app_data(context, client.get());
  SSL_CTX_sess_set_new_cb(context, keep_session);
  return client;
}

TlsClient::~TlsClient() {
  SSL_SESSION_free(session_);
  SSL_CTX_free(context_);
}

int TlsClient::keep_session(ssl_st* ssl, ssl_session_st* session) {
  auto* self = static_cast<TlsClient*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  SSL_SESSION_free(std::exchange(self->session_, session));
  return 1;  // We keep the reference.
}

Ssl TlsClient::connect(int fd) {
  Ssl ssl(SSL_new(context_));
  if (!ssl || SSL_set_fd(ssl.get(), fd) != 1) return nullptr;
  const std::string& name = server_.tls_name;
  if (!name.empty()) {
    // "dns.example" is what SNI and the check want, without a dot at the end.
    if (SSL_set_tlsext_host_name(ssl.get(), name.c_str()) != 1) return nullptr;
    if (SSL_set1_host(ssl.get(), name.c_str()) != 1) return nullptr;
  } else {
    const std::string address = server_.endpoint.address.to_text();
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl.get()), address.c_str()) != 1)
      return nullptr;
  }
  if (session_ != nullptr) {
    // A ticket of TLS 1.3 is for one use (RFC 8446 §C.4); the new connection brings new ones.
    SSL_set_session(ssl.get(), session_);
    SSL_SESSION_free(std::exchange(session_, nullptr));
  }
  SSL_set_connect_state(ssl.get());
  return ssl;
}

bool TlsClient::accepts(ssl_st* ssl) const {
  if (server_.tls_pins.empty()) return SSL_get_verify_result(ssl) == X509_V_OK;
  return has_pinned_key(ssl, server_.tls_pins);
}

std::string TlsClient::failure_of(ssl_st* ssl) {
  const long verified = SSL_get_verify_result(ssl);
  if (verified != X509_V_OK) {
    ERR_clear_error();
    return std::string("TLS certificate: ") + X509_verify_cert_error_string(verified);
  }
  if (ERR_peek_last_error() == 0) return "TLS handshake: the server ended the connection";
  return openssl_error("TLS handshake");
}

}  // namespace postern::net
