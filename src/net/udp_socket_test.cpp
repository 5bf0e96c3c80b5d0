#include "net/udp_socket.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <poll.h>

namespace postern::net {
namespace {

std::unique_ptr<UdpSocket> bind_to(const char* text) {
  auto socket = UdpSocket::bind(*Endpoint::from_text(text));
  EXPECT_TRUE(socket) << socket.error().text;
  return std::move(*socket);
}

/// A plain client socket, connected: it takes answers from the address it asked alone.
FileDescriptor client_of(const Endpoint& server) {
  const SocketAddress address(server);
  FileDescriptor fd(::socket(address.any.sa_family, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  EXPECT_EQ(::connect(fd.get(), &address.any, address.size()), 0);
  const timeval limit{5, 0};
  EXPECT_EQ(::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
  return fd;
}

void send_text(const FileDescriptor& fd, const std::string& text) {
  ASSERT_EQ(::send(fd.get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
}

std::string receive_text(const FileDescriptor& fd) {
  std::array<char, 8192> buffer;
  const ssize_t size = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
  return size < 0 ? "nothing" : std::string(buffer.data(), static_cast<std::size_t>(size));
}

std::size_t wait_and_receive(UdpSocket& socket) {
  pollfd item{socket.fd(), POLLIN, 0};
  EXPECT_EQ(::poll(&item, 1, 5000), 1);
  return socket.receive();
}

void answer(UdpSocket& socket, std::size_t index, const std::string& text) {
  const auto room = socket.reserve();
  ASSERT_GE(room.size(), text.size());
  std::memcpy(room.data(), text.data(), text.size());
  socket.commit(text.size(), socket.peer(index));
}

TEST(UdpSocket, AnswersABatchEachToItsSender) {
  for (const char* at : {"127.0.0.1:0", "[::1]:0"}) {
    SCOPED_TRACE(at);
    const auto socket = bind_to(at);
    std::vector<FileDescriptor> clients;
    for (int i = 0; i < 50; ++i) {
      clients.push_back(client_of(socket->local()));
      send_text(clients.back(), "question " + std::to_string(i));
    }
    std::size_t left = clients.size();
    while (left > 0) {
      const std::size_t count = wait_and_receive(*socket);
      ASSERT_GT(count, 0U);
      ASSERT_LE(count, UdpSocket::kBatch);
      for (std::size_t i = 0; i < count; ++i) {
        answer(*socket, i, "re: " + std::string(text_of(socket->octets(i))));
      }
      EXPECT_TRUE(socket->flush());
      left -= count;
    }
    for (int i = 0; i < 50; ++i) {
      EXPECT_EQ(receive_text(clients[static_cast<std::size_t>(i)]),
                "re: question " + std::to_string(i));
    }
    EXPECT_EQ(socket->stats().received.value(), 50U);
    EXPECT_EQ(socket->stats().sent.value(), 50U);
    EXPECT_EQ(socket->receive(), 0U);
  }
}

// The clients are connected sockets: an answer from any other address would not reach them.
TEST(UdpSocket, OnTheWildcardAddressAnswersLeaveFromTheAddressAsked) {
  const auto socket = bind_to("0.0.0.0:0");
  for (const char* asked : {"127.0.0.1", "127.0.0.2", "127.5.6.7"}) {
    SCOPED_TRACE(asked);
    const FileDescriptor client = client_of({*IpAddress::from_text(asked), socket->local().port});
    send_text(client, "now");
    ASSERT_EQ(wait_and_receive(*socket), 1U);
    EXPECT_EQ(socket->peer(0).local.to_text(), asked);
    answer(*socket, 0, "at once");
    ASSERT_TRUE(socket->flush());
    EXPECT_EQ(receive_text(client), "at once");
    // The same later, when the batch is gone.
    const UdpPeer peer = socket->peer(0);
    EXPECT_EQ(socket->receive(), 0U);
    const auto room = socket->reserve();
    std::memcpy(room.data(), "later", 5);
    socket->commit(5, peer);
    ASSERT_TRUE(socket->flush());
    EXPECT_EQ(receive_text(client), "later");
  }
  const auto socket6 = bind_to("[::]:0");
  const FileDescriptor client = client_of({*IpAddress::from_text("::1"), socket6->local().port});
  send_text(client, "six");
  ASSERT_EQ(wait_and_receive(*socket6), 1U);
  EXPECT_EQ(socket6->peer(0).local.to_text(), "::1");
  answer(*socket6, 0, "yes");
  ASSERT_TRUE(socket6->flush());
  EXPECT_EQ(receive_text(client), "yes");
}

TEST(UdpSocket, ADatagramThatIsTooLongIsEmptyAndCounted) {
  const auto socket = bind_to("127.0.0.1:0");
  const FileDescriptor client = client_of(socket->local());
  send_text(client, std::string(UdpSocket::kMaxReceiveOctets, 'a'));
  send_text(client, std::string(UdpSocket::kMaxReceiveOctets + 1, 'b'));
  ASSERT_EQ(wait_and_receive(*socket), 2U);
  EXPECT_EQ(socket->octets(0).size(), UdpSocket::kMaxReceiveOctets);
  EXPECT_EQ(socket->octets(1).size(), 0U);
  EXPECT_EQ(socket->stats().oversized.value(), 1U);
}

// Port 0 cannot be sent to: the kernel refuses that one alone.
TEST(UdpSocket, ADatagramTheKernelRefusesDoesNotHoldUpTheOthers) {
  const auto socket = bind_to("127.0.0.1:0");
  const FileDescriptor client = client_of(socket->local());
  send_text(client, "q");
  ASSERT_EQ(wait_and_receive(*socket), 1U);
  UdpPeer nobody;
  nobody.remote = SocketAddress(Endpoint{IpAddress::v4(127, 0, 0, 1), 0});
  answer(*socket, 0, "first");
  ASSERT_FALSE(socket->reserve().empty());
  socket->commit(1, nobody);
  answer(*socket, 0, "third");
  EXPECT_TRUE(socket->flush());
  EXPECT_EQ(receive_text(client), "first");
  EXPECT_EQ(receive_text(client), "third");
  EXPECT_EQ(socket->stats().send_errors.value(), 1U);
}

TEST(UdpSocket, MoreAnswersThanABatchAreSentOnTheWay) {
  const auto socket = bind_to("127.0.0.1:0");
  const FileDescriptor client = client_of(socket->local());
  send_text(client, "q");
  ASSERT_EQ(wait_and_receive(*socket), 1U);
  for (int i = 0; i < 100; ++i) answer(*socket, 0, std::to_string(i));
  EXPECT_TRUE(socket->flush());
  for (int i = 0; i < 100; ++i) EXPECT_EQ(receive_text(client), std::to_string(i));
}

TEST(UdpSocket, TwoSocketsShareAPortButAProbeSeesThatItIsTaken) {
  const auto socket = bind_to("127.0.0.1:0");
  EXPECT_TRUE(UdpSocket::bind(socket->local()));
  EXPECT_FALSE(check_port_is_free(socket->local()));
}

}  // namespace
}  // namespace postern::net
