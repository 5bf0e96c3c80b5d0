#include "resolve/fake_upstream.h"

#include <array>
#include <cstdio>
#include <utility>

#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/sha.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/thread.h"
#include "dns/message.h"
#include "dns/writer.h"

namespace postern::resolve::testing {
namespace {

constexpr int kSessionLimitMs = 10'000;  // Nothing here waits longer, whatever goes wrong.

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

/// One accepted connection, plain or TLS; blocking, but for the wait in front of each read.
class Connection {
 public:
  Connection(int fd, ssl_ctx_st* context)
      : fd_(fd), ssl_(context != nullptr ? SSL_new(context) : nullptr) {
    if (ssl_ != nullptr) SSL_set_fd(ssl_, fd);
  }
  ~Connection() {
    if (ssl_ != nullptr) SSL_shutdown(ssl_);
    SSL_free(ssl_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool accept() { return ssl_ == nullptr || SSL_accept(ssl_) == 1; }
  bool is_resumed() const { return ssl_ != nullptr && SSL_session_reused(ssl_) == 1; }
  bool has_buffered() const { return ssl_ != nullptr && SSL_pending(ssl_) > 0; }

  bool read_all(std::span<std::uint8_t> room) {
    while (!room.empty()) {
      const int count = ssl_ != nullptr
                            ? SSL_read(ssl_, room.data(), static_cast<int>(room.size()))
                            : static_cast<int>(::recv(fd_.get(), room.data(), room.size(), 0));
      if (count <= 0) return false;
      room = room.subspan(static_cast<std::size_t>(count));
    }
    return true;
  }
  void write(OctetView octets) {
    if (ssl_ != nullptr) {
      SSL_write(ssl_, octets.data(), static_cast<int>(octets.size()));
    } else {
      ::send(fd_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
    }
  }
  int fd() const { return fd_.get(); }

 private:
  FileDescriptor fd_;
  ssl_st* ssl_;
};

}  // namespace

Certificate make_certificate(const std::string& folder) {
  Certificate out{folder + "/crt.pem", folder + "/key.pem", ""};
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
  X509_set_pubkey(certificate, key);
  X509_NAME* name = X509_get_subject_name(certificate);
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("dns.test"), -1, -1, 0);
  X509_set_issuer_name(certificate, name);
  X509_EXTENSION* names =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:dns.test,IP:127.0.0.1");
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(certificate, key, EVP_sha256());

  FILE* file = std::fopen(out.certificate_file.c_str(), "w");
  POSTERN_ASSERT(file != nullptr);
  PEM_write_X509(file, certificate);
  std::fclose(file);
  file = std::fopen(out.key_file.c_str(), "w");
  POSTERN_ASSERT(file != nullptr);
  PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
  std::fclose(file);

  unsigned char* der = nullptr;
  const int size = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  std::array<unsigned char, SHA256_DIGEST_LENGTH> digest{};
  SHA256(der, static_cast<std::size_t>(size), digest.data());
  OPENSSL_free(der);
  std::array<unsigned char, 45> base64{};
  EVP_EncodeBlock(base64.data(), digest.data(), digest.size());
  out.pin_base64 = reinterpret_cast<const char*>(base64.data());
  X509_free(certificate);
  EVP_PKEY_free(key);
  return out;
}

Octets answer_for(OctetView query, std::uint8_t last_octet, dns::Rcode rcode, std::uint16_t flags) {
  const auto view = dns::MessageView::parse(query);
  POSTERN_ASSERT(view.has_value() && view->question().has_value());
  Octets buffer(512);
  dns::MessageWriter writer(buffer, buffer.size());
  writer.header(view->header().id,
                static_cast<std::uint16_t>(dns::flag::qr | dns::flag::rd | dns::flag::ra | flags));
  writer.question(*view->question());
  if (last_octet != 0) {
    const std::array<std::uint8_t, 4> address{192, 0, 2, last_octet};
    writer.record(dns::Section::answer,
                  {view->question()->qname, dns::RRType::a, dns::RRClass::in, 60, address});
  }
  writer.set_rcode(rcode);
  writer.opt(1232, rcode, true, {});
  buffer.resize(writer.size());
  return buffer;
}

Octets error_for(OctetView query, dns::Rcode rcode, dns::EdeCode ede, std::string_view text) {
  const auto view = dns::MessageView::parse(query);
  POSTERN_ASSERT(view.has_value() && view->question().has_value());
  Octets buffer(1024);
  dns::MessageWriter writer(buffer, buffer.size());
  writer.header(view->header().id, dns::flag::qr);
  writer.question(*view->question());
  std::array<std::uint8_t, 512> payload;
  const std::array<dns::MessageWriter::Option, 1> options{
      {{dns::EdnsOption::extended_error, dns::write_extended_error(payload, ede, text)}}};
  writer.opt(1232, rcode, true, options);
  buffer.resize(writer.size());
  return buffer;
}

FakeUpstream::FakeUpstream(Behaviour behaviour)
    : behaviour_(std::move(behaviour)), stop_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
  bind_both();
  if (behaviour_.tls != nullptr) {
    context_ = SSL_CTX_new(TLS_server_method());
    POSTERN_ASSERT(SSL_CTX_use_certificate_file(context_, behaviour_.tls->certificate_file.c_str(),
                                                SSL_FILETYPE_PEM) == 1);
    POSTERN_ASSERT(SSL_CTX_use_PrivateKey_file(context_, behaviour_.tls->key_file.c_str(),
                                               SSL_FILETYPE_PEM) == 1);
  }
  thread_ = std::thread([this] { run(); });
}

FakeUpstream::~FakeUpstream() {
  const std::uint64_t one = 1;
  POSTERN_ASSERT(::write(stop_.get(), &one, sizeof one) == sizeof one);
  thread_.join();
  SSL_CTX_free(context_);
}

/// The same port for both: the kernel's choice for UDP, until TCP can have it too.
void FakeUpstream::bind_both() {
  for (int i = 0; i < 20; ++i) {
    udp_ = FileDescriptor(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    tcp_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address = loopback(0);
    socklen_t size = sizeof address;
    POSTERN_ASSERT(::bind(udp_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    POSTERN_ASSERT(::getsockname(udp_.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
    if (::bind(tcp_.get(), reinterpret_cast<sockaddr*>(&address), size) == 0) break;
  }
  POSTERN_ASSERT(::listen(tcp_.get(), 16) == 0);
}

std::string FakeUpstream::url(std::string_view scheme) const {
  return std::string(scheme) + "://127.0.0.1:" + std::to_string(port_);
}

void FakeUpstream::run() {
  enter_thread("fake-upstream");
  for (;;) {
    std::array<pollfd, 3> waiting{
        {{stop_.get(), POLLIN, 0}, {udp_.get(), POLLIN, 0}, {tcp_.get(), POLLIN, 0}}};
    ::poll(waiting.data(), waiting.size(), -1);
    if (waiting[0].revents != 0) return;
    if (waiting[1].revents != 0) serve_datagram();
    if (waiting[2].revents != 0) serve_connection();
  }
}

void FakeUpstream::serve_datagram() {
  Octets query(4096);
  sockaddr_in peer{};
  socklen_t peer_size = sizeof peer;
  const auto size = ::recvfrom(udp_.get(), query.data(), query.size(), 0,
                               reinterpret_cast<sockaddr*>(&peer), &peer_size);
  if (size <= 0) return;
  ++datagrams_;
  if (!behaviour_.datagram) return;
  for (const Octets& datagram :
       behaviour_.datagram(OctetView(query).first(static_cast<std::size_t>(size)))) {
    ::sendto(udp_.get(), datagram.data(), datagram.size(), 0, reinterpret_cast<sockaddr*>(&peer),
             peer_size);
  }
}

/// True when `fd` can be read; datagrams are served meanwhile.
bool FakeUpstream::wait_for(int fd) {
  for (;;) {
    std::array<pollfd, 3> waiting{
        {{stop_.get(), POLLIN, 0}, {udp_.get(), POLLIN, 0}, {fd, POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), kSessionLimitMs) <= 0 || waiting[0].revents != 0)
      return false;
    if (waiting[1].revents != 0) serve_datagram();
    if (waiting[2].revents != 0) return true;
  }
}

void FakeUpstream::serve_connection() {
  Connection connection(::accept4(tcp_.get(), nullptr, nullptr, SOCK_CLOEXEC), context_);
  ++connections_;
  if (!wait_for(connection.fd()) || !connection.accept()) return;
  if (connection.is_resumed()) ++resumed_;
  while (connection.has_buffered() || wait_for(connection.fd())) {
    std::array<std::uint8_t, 2> size{};
    if (!connection.read_all(size)) return;
    Octets query(load_u16(size.data()));
    if (!connection.read_all(query)) return;
    Octets out;
    if (behaviour_.stream) {
      for (const Octets& message : behaviour_.stream(query)) {
        std::array<std::uint8_t, 2> prefix{};
        store_u16(prefix.data(), static_cast<std::uint16_t>(message.size()));
        out.insert(out.end(), prefix.begin(), prefix.end());
        out.insert(out.end(), message.begin(), message.end());
      }
    }
    if (!out.empty()) connection.write(out);
    if (behaviour_.close_after_each) return;
  }
}

}  // namespace postern::resolve::testing
