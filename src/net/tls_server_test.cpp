#include "net/tls_server.h"

#include <array>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>

#include <gtest/gtest.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/file_descriptor.h"
#include "net/test_certificate.h"

namespace postern::net {
namespace {

class TlsServerTest : public ::testing::Test {
 protected:
  TlsServerTest() {
    std::string pattern = (std::filesystem::temp_directory_path() / "postern-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    testing::write_certificate(certificate(), key());
  }
  ~TlsServerTest() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  std::string certificate() const { return folder_ + "/certificate.pem"; }
  std::string key() const { return folder_ + "/key.pem"; }

  std::string folder_;
};

struct ContextFree {
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

/// What a client offers.
struct Offer {
  int newest = TLS1_3_VERSION;
  std::string_view protocol = "\3dot";
};

/// The version that both agree on over a pair of sockets, both played by this thread; nothing where
/// the handshake fails.
std::optional<std::string> shake_hands(const TlsServer& server, const Offer& offer) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  const FileDescriptor ours(ends[0]);
  const FileDescriptor theirs(ends[1]);
  const std::unique_ptr<SSL_CTX, ContextFree> context(SSL_CTX_new(TLS_client_method()));
  SSL_CTX_set_max_proto_version(context.get(), offer.newest);
  const Ssl client(SSL_new(context.get()));
  SSL_set_fd(client.get(), theirs.get());
  SSL_set_connect_state(client.get());
  if (!offer.protocol.empty()) {
    SSL_set_alpn_protos(client.get(), reinterpret_cast<const unsigned char*>(offer.protocol.data()),
                        static_cast<unsigned>(offer.protocol.size()));
  }
  const Ssl accepted = server.accept(ours.get());
  EXPECT_NE(accepted, nullptr);
  for (int round = 0; round < 10; ++round) {
    const int one = SSL_do_handshake(client.get());
    const int other = SSL_do_handshake(accepted.get());
    if (one != 1 || other != 1) continue;
    if (!TlsServer::accepts(accepted.get())) return std::nullopt;
    return SSL_get_version(accepted.get());
  }
  return std::nullopt;
}

TEST_F(TlsServerTest, SpeaksTls13AndDotAlone) {
  const auto server = TlsServer::create(certificate(), key());
  ASSERT_TRUE(server.has_value()) << server.error().text;
  EXPECT_EQ(shake_hands(**server, {}), "TLSv1.3");
  EXPECT_EQ(shake_hands(**server, {.protocol = "\2h2\3dot"}), "TLSv1.3");
  EXPECT_EQ(shake_hands(**server, {.newest = TLS1_2_VERSION}), std::nullopt);
  EXPECT_EQ(shake_hands(**server, {.protocol = "\2h2"}), std::nullopt);
  // Who does not say what is spoken is not heard (RFC 9103 §7.1).
  EXPECT_EQ(shake_hands(**server, {.protocol = ""}), std::nullopt);
}

TEST_F(TlsServerTest, FilesThatCannotBeUsedAreErrors) {
  const auto error = [](const std::string& certificate_file, const std::string& key_file) {
    const auto made = TlsServer::create(certificate_file, key_file);
    return made ? std::string("none") : made.error().text;
  };
  EXPECT_EQ(error(certificate(), key()), "none");
  EXPECT_NE(error(folder_ + "/absent", key()).find("read the certificate"), std::string::npos);
  EXPECT_NE(error(certificate(), folder_ + "/absent").find("read the key"), std::string::npos);
  std::ofstream(folder_ + "/text") << "no PEM\n";
  EXPECT_NE(error(folder_ + "/text", key()).find("read the certificate"), std::string::npos);
  // Another certificate's key.
  testing::write_certificate(folder_ + "/other.pem", folder_ + "/other-key.pem");
  EXPECT_NE(error(certificate(), folder_ + "/other-key.pem"), "none");
}

TEST_F(TlsServerTest, AConnectionMayOutliveIt) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  const FileDescriptor ours(ends[0]);
  const FileDescriptor theirs(ends[1]);
  Ssl accepted;
  {
    const auto server = TlsServer::create(certificate(), key());
    ASSERT_TRUE(server.has_value());
    accepted = (*server)->accept(ours.get());
  }
  ASSERT_NE(accepted, nullptr);
  EXPECT_EQ(SSL_get_error(accepted.get(), SSL_do_handshake(accepted.get())), SSL_ERROR_WANT_READ);
}

}  // namespace
}  // namespace postern::net
