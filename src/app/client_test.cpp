// The clients of the control socket and of DNS, against tiny servers in this process.
#include <array>
#include <cstring>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "app/control_client.h"
#include "app/dns_client.h"
#include "base/file_descriptor.h"
#include "dns/writer.h"

namespace postern::app {
namespace {

/// Takes one HTTP request on a UNIX socket and gives a canned answer.
class FakeApi {
 public:
  explicit FakeApi(std::string answer) : answer_(std::move(answer)) {
    path_ = testing::TempDir() + "postern_fake_" + std::to_string(::getpid()) + ".sock";
    std::filesystem::remove(path_);
    socket_ = FileDescriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, path_.c_str(), path_.size() + 1);
    EXPECT_EQ(::bind(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(socket_.get(), 1), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeApi() {
    thread_.join();
    std::filesystem::remove(path_);
  }

  const std::string& path() const { return path_; }
  /// Once the client is done.
  const std::string& request() {
    thread_.join();
    thread_ = std::thread([] {});
    return request_;
  }

 private:
  void serve() {
    const FileDescriptor peer(::accept(socket_.get(), nullptr, nullptr));
    char block[4096];
    while (request_.find("\r\n\r\n") == std::string::npos) {
      const ssize_t count = ::read(peer.get(), block, sizeof block);
      if (count <= 0) return;
      request_.append(block, static_cast<std::size_t>(count));
    }
    (void)!::write(peer.get(), answer_.data(), answer_.size());
  }

  std::string answer_;
  std::string path_;
  std::string request_;
  FileDescriptor socket_;
  std::thread thread_;
};

std::string http(int status, const std::string& body) {
  return "HTTP/1.1 " + std::to_string(status) +
         " X\r\nContent-Length: " + std::to_string(body.size()) + "\r\nConnection: close\r\n\r\n" +
         body;
}

TEST(ControlClient, AGoodAnswerIsItsBody) {
  FakeApi api(http(200, "{\"a\":1}"));
  const auto body = ControlClient(api.path()).get("/api/v1/status");
  ASSERT_TRUE(body.has_value()) << body.error().text;
  EXPECT_EQ(*body, "{\"a\":1}");
  EXPECT_TRUE(api.request().starts_with("GET /api/v1/status HTTP/1.1\r\n")) << api.request();
}

TEST(ControlClient, PostSendsAnEmptyBody) {
  FakeApi api(http(202, "{}"));
  ASSERT_TRUE(ControlClient(api.path()).post("/api/v1/reload").has_value());
  const std::string request = api.request();
  EXPECT_TRUE(request.starts_with("POST /api/v1/reload HTTP/1.1\r\n"));
  EXPECT_NE(request.find("Content-Length: 0\r\n"), std::string::npos);
}

TEST(ControlClient, TheServersSentenceIsTheError) {
  struct Case {
    int status;
    std::string body;
    Errc code;
    std::string text;
  };
  const Case cases[] = {
      {404, R"({"detail":"no feed is called x"})", Errc::not_found, "no feed is called x"},
      {503, R"({"detail":"the journal is off"})", Errc::unavailable, "the journal is off"},
      {403, "not json", Errc::denied, "the server answered with status 403"},
      {400, R"({"detail":"limit: too many"})", Errc::invalid_input, "limit: too many"},
      {409, R"({"detail":"a mistake"})", Errc::unavailable, "a mistake"},
      {500, "", Errc::corrupt, "the server answered with status 500"},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(c.status);
    FakeApi api(http(c.status, c.body));
    const auto body = ControlClient(api.path()).get("/x");
    ASSERT_FALSE(body.has_value());
    EXPECT_EQ(body.error().code, c.code);
    EXPECT_EQ(body.error().text, c.text);
  }
}

TEST(ControlClient, NobodyThereSaysWhatToDo) {
  const auto body = ControlClient("/nonexistent/control.sock").get("/x");
  ASSERT_FALSE(body.has_value());
  EXPECT_EQ(body.error().code, Errc::unavailable);
  EXPECT_NE(body.error().text.find("/nonexistent/control.sock"), std::string::npos);
  EXPECT_NE(body.error().text.find("--socket"), std::string::npos);
}

TEST(ControlClient, FollowsAStreamUntilToldToStop) {
  FakeApi api(
      "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n"
      ": hello\n\ndata: one\n\nevent: query\r\ndata:two\r\n\r\ndata: three\n\ndata: four\n\n");
  std::vector<std::string> seen;
  const auto done =
      ControlClient(api.path()).follow("/live", [&](std::string_view name, std::string_view data) {
        seen.push_back(std::string(name) + "/" + std::string(data));
        return seen.size() < 3;
      });
  EXPECT_TRUE(done.has_value());
  EXPECT_EQ(seen, (std::vector<std::string>{"/one", "query/two", "/three"}));
}

TEST(ControlClient, QueryStringsAreEncoded) {
  EXPECT_EQ(query_string({}), "");
  EXPECT_EQ(query_string({{"name", "a b&c=\xc3\xbc"}, {"x", "2001:db8::/32"}}),
            "?name=a%20b%26c%3D%C3%BC&x=2001%3Adb8%3A%3A%2F32");
}

dns::Question question(std::string_view name, dns::RRType type = dns::RRType::a) {
  return {.qname = *dns::Name::from_text(name), .qtype = type};
}

/// An answer to a query as a server would write it.
Octets answer_to(OctetView query, std::uint16_t flags, bool with_record) {
  dns::Query read;
  EXPECT_TRUE(dns::parse_query(query, read).has_value());
  Octets out(512);
  dns::MessageWriter writer(out, out.size());
  writer.header(read.header.id, static_cast<std::uint16_t>(dns::flag::qr | dns::flag::ra | flags));
  writer.question(read.question);
  const std::array<std::uint8_t, 4> address = {192, 0, 2, 7};
  if (with_record) {
    writer.record(dns::Section::answer, {.owner = read.question.qname,
                                         .type = dns::RRType::a,
                                         .rr_class = dns::RRClass::in,
                                         .ttl = 60,
                                         .rdata = address});
  }
  std::array<std::uint8_t, 64> buffer{};
  const dns::MessageWriter::Option ede = {
      dns::EdnsOption::extended_error,
      dns::write_extended_error(buffer, dns::EdeCode::blocked, "by \x1blist")};
  writer.opt(1232, with_record ? dns::Rcode::noerror : dns::Rcode::nxdomain, false, {&ede, 1});
  out.resize(writer.size());
  return out;
}

/// A DNS server on loopback that answers over UDP and TCP by given functions, once each.
class FakeDns {
 public:
  using Answer = std::function<std::vector<Octets>(OctetView query)>;

  FakeDns(Answer udp, Answer tcp) : udp_answer_(std::move(udp)), tcp_answer_(std::move(tcp)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    tcp_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM, 0));
    EXPECT_EQ(::bind(tcp_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    EXPECT_EQ(::listen(tcp_.get(), 1), 0);
    ::getsockname(tcp_.get(), reinterpret_cast<sockaddr*>(&address), &size);
    udp_ = FileDescriptor(::socket(AF_INET, SOCK_DGRAM, 0));
    EXPECT_EQ(::bind(udp_.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
    endpoint_ = {IpAddress::v4(127, 0, 0, 1), ntohs(address.sin_port)};
    if (udp_answer_) udp_thread_ = std::thread([this] { serve_udp(); });
    if (tcp_answer_) tcp_thread_ = std::thread([this] { serve_tcp(); });
  }
  ~FakeDns() {
    if (udp_thread_.joinable()) udp_thread_.join();
    if (tcp_thread_.joinable()) tcp_thread_.join();
  }
  const Endpoint& endpoint() const { return endpoint_; }

 private:
  void serve_udp() {
    std::array<std::uint8_t, 1024> query{};
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const ssize_t count = ::recvfrom(udp_.get(), query.data(), query.size(), 0,
                                     reinterpret_cast<sockaddr*>(&peer), &size);
    for (const Octets& answer : udp_answer_({query.data(), static_cast<std::size_t>(count)})) {
      (void)!::sendto(udp_.get(), answer.data(), answer.size(), 0,
                      reinterpret_cast<sockaddr*>(&peer), size);
    }
  }
  void serve_tcp() {
    const FileDescriptor peer(::accept(tcp_.get(), nullptr, nullptr));
    std::array<std::uint8_t, 1024> query{};
    const ssize_t count = ::read(peer.get(), query.data(), query.size());
    for (const Octets& answer :
         tcp_answer_({query.data() + 2, static_cast<std::size_t>(count) - 2})) {
      Octets framed = {static_cast<std::uint8_t>(answer.size() >> 8),
                       static_cast<std::uint8_t>(answer.size())};
      framed.insert(framed.end(), answer.begin(), answer.end());
      // In two pieces, as a network may do it.
      (void)!::send(peer.get(), framed.data(), 5, MSG_NOSIGNAL);
      (void)!::send(peer.get(), framed.data() + 5, framed.size() - 5, MSG_NOSIGNAL);
    }
  }

  Answer udp_answer_;
  Answer tcp_answer_;
  Endpoint endpoint_;
  FileDescriptor udp_;
  FileDescriptor tcp_;
  std::thread udp_thread_;
  std::thread tcp_thread_;
};

TEST(DnsClient, ShowsAnswerFlagsAndReason) {
  FakeDns server(
      [](OctetView query) { return std::vector<Octets>{answer_to(query, dns::flag::ad, true)}; },
      nullptr);
  DnsQuestion asked{.server = server.endpoint(), .question = question("a.example")};
  auto reply = ask_dns(asked);
  ASSERT_TRUE(reply.has_value()) << reply.error().text;
  reply->latency = microseconds(1500);
  asked.server = {IpAddress::v4(127, 0, 0, 1), 53};
  EXPECT_EQ(view_dns_reply(*reply, asked),
            "a.example A: NOERROR (flags: ra ad) from 127.0.0.1:53 over udp in 1.5 ms\n"
            "  EDE 15 (Blocked): by ?list\n"
            "  a.example.  60  A  192.0.2.7\n");
  EXPECT_EQ(dns_reply_json(*reply, asked),
            R"({"name":"a.example","type":"A","server":"127.0.0.1:53","transport":"udp",)"
            R"("latency_us":1500,)"
            R"("rcode":"NOERROR","flags":["ra","ad"],)"
            R"("ede":[{"code":15,"purpose":"Blocked","text":"by ?list"}],)"
            R"("records":[{"section":"answer","name":"a.example","ttl":60,)"
            R"("type":"A","data":"192.0.2.7"}]})");
}

TEST(DnsClient, TruncatedAnswersAreAskedForOverTcp) {
  FakeDns server(
      [](OctetView query) { return std::vector<Octets>{answer_to(query, dns::flag::tc, false)}; },
      [](OctetView query) { return std::vector<Octets>{answer_to(query, 0, true)}; });
  const auto reply = ask_dns({.server = server.endpoint(), .question = question("a.example")});
  ASSERT_TRUE(reply.has_value()) << reply.error().text;
  EXPECT_TRUE(reply->over_tcp);
}

// An answer with a wrong id, a wrong question or no DNS at all is waited past.
TEST(DnsClient, ForgedAnswersAreIgnored) {
  FakeDns server(
      [](OctetView query) {
        Octets wrong_id = answer_to(query, 0, true);
        wrong_id[0] ^= 1;
        Octets wrong_name = answer_to(query, 0, true);
        wrong_name[13] ^= 1;
        return std::vector<Octets>{wrong_id, wrong_name, Octets{1, 2, 3},
                                   answer_to(query, 0, false)};
      },
      nullptr);
  const auto reply = ask_dns({.server = server.endpoint(), .question = question("a.example")});
  ASSERT_TRUE(reply.has_value()) << reply.error().text;
  EXPECT_EQ(dns::MessageView::parse(reply->message)->rcode(), dns::Rcode::nxdomain);
}

TEST(DnsClient, NobodyThereIsAnError) {
  // A port that was bound a moment ago and is free now.
  Endpoint nobody;
  {
    FakeDns server(nullptr, nullptr);
    nobody = server.endpoint();
  }
  for (const bool over_tcp : {false, true}) {
    const auto reply =
        ask_dns({.server = nobody, .question = question("a.example"), .over_tcp = over_tcp});
    ASSERT_FALSE(reply.has_value());
    EXPECT_NE(reply.error().text.find(nobody.to_text()), std::string::npos);
  }
}

}  // namespace
}  // namespace postern::app
