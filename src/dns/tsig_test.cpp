#include "dns/tsig.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "dns/encoding.h"
#include "dns/message.h"
#include "dns/writer.h"

namespace postern::dns {
namespace {

constexpr std::uint64_t kNow = 1'700'000'000;

Octets from_hex(std::string_view text) {
  Octets octets;
  HexReader reader;
  EXPECT_TRUE(reader.add(text, octets) && reader.finish());
  return octets;
}

Name name(std::string_view text) {
  return Name::from_text(text).value();
}

TsigKey key(TsigAlgorithm algorithm = TsigAlgorithm::hmac_sha256) {
  TsigKey key{name("xfr.key"), algorithm, {}};
  for (std::uint8_t i = 1; i <= 32; ++i) key.secret.push_back(i);
  return key;
}

// A query for rpz.example AXFR, or a message of its answer.
Octets message(std::uint16_t flags, std::string_view owner = {}) {
  Octets buffer(512);
  MessageWriter writer(buffer, buffer.size());
  writer.header(0x1234, flags);
  EXPECT_TRUE(writer.question({name("rpz.example"), RRType::axfr, RRClass::in}));
  if (!owner.empty()) {
    const Name at = name(owner);
    const Octets target = {0};
    EXPECT_TRUE(
        writer.record(Section::answer, {at, RRType::cname, RRClass::in, 60, OctetView(target)}));
  }
  buffer.resize(writer.size());
  return buffer;
}
Octets query() {
  return message(0);
}
Octets answer(std::string_view owner = "a.rpz.example") {
  return message(flag::qr | flag::aa, owner);
}

std::string text_of(const Result<void, TsigError>& result) {
  return result ? "good" : std::string(to_string(result.error()));
}
std::string text_of(TsigError error) {
  return std::string(to_string(error));
}

// A client that has asked and the server that it asked.
struct Pair {
  explicit Pair(TsigKey shared = key()) : shared_key(std::move(shared)) {
    asked = query();
    client.sign_query(asked, kNow);
  }
  Octets signed_answer(std::string_view owner = "a.rpz.example", std::uint64_t now_s = kNow) {
    Octets made = answer(owner);
    server.sign_answer(made, now_s);
    return made;
  }

  TsigKey shared_key;
  TsigExchange client{shared_key};
  TsigExchange server{shared_key};
  Octets asked;
};

// Made with dnspython 2.3: a query, and an answer of three messages, the second without a TSIG.
struct Vector {
  TsigAlgorithm algorithm;
  std::string_view query, first, second, third;
};
const Vector kVectors[] = {
    {TsigAlgorithm::hmac_sha256,
     "1234000000010000000000010372707a076578616d706c650000fc000103786672036b65790000fa"
     "00ff00000000003d0b686d61632d7368613235360000006553f100012c0020a7e2379d52d349a235"
     "abe4396b74fb82ffdbb732a26049ed18c2d6946ab824fb123400000000",
     "1234840000010001000000010372707a076578616d706c650000fc0001026e30c00c000500010000"
     "003c00010003786672036b65790000fa00ff00000000003d0b686d61632d73686132353600000065"
     "53f100012c0020da86d7e4c6ed01d050f832b15a96ee70b797847fdc9f89f561f2fd624ea6fd3c12"
     "3400000000",
     "123484000000000100000000026e310372707a076578616d706c6500000500010000003c000100",
     "123484000000000100000001026e320372707a076578616d706c6500000500010000003c00010003"
     "786672036b65790000fa00ff00000000003d0b686d61632d7368613235360000006553f100012c00"
     "2025ed704c9c884146c409a4b880c2b7c66fdbacea83232150690dd07ebdda81dd123400000000"},
    {TsigAlgorithm::hmac_sha384,
     "1234000000010000000000010372707a076578616d706c650000fc000103786672036b65790000fa"
     "00ff00000000004d0b686d61632d7368613338340000006553f100012c003087a8c92886f246aad1"
     "a74813c467d9c7662c645bee7dc08de0073973d2bf3b27c578b81e3558b119e823977a80ab3a0512"
     "3400000000",
     "1234840000010001000000010372707a076578616d706c650000fc0001026e30c00c000500010000"
     "003c00010003786672036b65790000fa00ff00000000004d0b686d61632d73686133383400000065"
     "53f100012c0030eaa5a6597420588873eb7ecc2b7843e75a0bac0e0dcac50fb3456f9b142b26c922"
     "ab6a3301ccdbdab510afc3aa07f4b0123400000000",
     "123484000000000100000000026e310372707a076578616d706c6500000500010000003c000100",
     "123484000000000100000001026e320372707a076578616d706c6500000500010000003c00010003"
     "786672036b65790000fa00ff00000000004d0b686d61632d7368613338340000006553f100012c00"
     "301a9efc404809b0fce2eacb795891249402cd1f1f341131e03b76e0018c9aff5a64ee6596f9c785"
     "f430c705c5d8e0926e123400000000"},
    {TsigAlgorithm::hmac_sha512,
     "1234000000010000000000010372707a076578616d706c650000fc000103786672036b65790000fa"
     "00ff00000000005d0b686d61632d7368613531320000006553f100012c00401ee67e3ca6a68975cf"
     "c635da9aeea65fd00b8efaff314a3636cb964b366ed409a5d95b608f623a7e823d83afdb24237b82"
     "f93d251f27f65c7b874f0084802bc3123400000000",
     "1234840000010001000000010372707a076578616d706c650000fc0001026e30c00c000500010000"
     "003c00010003786672036b65790000fa00ff00000000005d0b686d61632d73686135313200000065"
     "53f100012c00407aa5753aa76c9665b91f57668da4c1470e2db2733f0a1fb47b203c94c00fdf3a48"
     "7a6ad98b46dc95919bd39abd06bf32939d8bcd7f89d2ae4b290383b0845594123400000000",
     "123484000000000100000000026e310372707a076578616d706c6500000500010000003c000100",
     "123484000000000100000001026e320372707a076578616d706c6500000500010000003c00010003"
     "786672036b65790000fa00ff00000000005d0b686d61632d7368613531320000006553f100012c00"
     "40fcc2cab303f4ae2f29b1d543ec9356516f7ec86f3a7c2700055c4d4f3ea4560031ceca9ccfd30e"
     "608f321e481983a7ef1439183279f723d3eb01f6f8210fb64b123400000000"},
};

TEST(Tsig, AnotherImplementationMakesTheSameSignatures) {
  for (const Vector& vector : kVectors) {
    SCOPED_TRACE(to_string(vector.algorithm));
    const TsigKey shared = key(vector.algorithm);
    TsigExchange client(shared);
    Octets asked = query();
    client.sign_query(asked, kNow);
    EXPECT_EQ(asked, from_hex(vector.query));
    EXPECT_EQ(text_of(client.verify_answer(from_hex(vector.first), kNow)), "good");
    EXPECT_EQ(text_of(client.verify_answer(from_hex(vector.second), kNow)), "good");
    EXPECT_FALSE(client.finish_answer()) << "the last message must be signed";
    EXPECT_EQ(text_of(client.verify_answer(from_hex(vector.third), kNow)), "good");
    EXPECT_TRUE(client.finish_answer());

    TsigExchange server(shared);
    EXPECT_EQ(text_of(server.verify_query(from_hex(vector.query), kNow)), "good");
  }
}

TEST(Tsig, AnUnsignedMessageThatWasChangedShowsAtTheNextSignedOne) {
  const TsigKey shared = key();
  TsigExchange client(shared);
  Octets asked = query();
  client.sign_query(asked, kNow);
  ASSERT_TRUE(client.verify_answer(from_hex(kVectors[0].first), kNow));
  Octets changed = from_hex(kVectors[0].second);
  changed[kHeaderOctets + 1] ^= 1;
  ASSERT_TRUE(client.verify_answer(changed, kNow));
  EXPECT_EQ(text_of(client.verify_answer(from_hex(kVectors[0].third), kNow)),
            text_of(TsigError::bad_signature));
}

TEST(Tsig, AClientAndAServerOfOursUnderstandEachOther) {
  for (const auto algorithm :
       {TsigAlgorithm::hmac_sha256, TsigAlgorithm::hmac_sha384, TsigAlgorithm::hmac_sha512}) {
    Pair pair(key(algorithm));
    EXPECT_EQ(tsig_key_name(pair.asked), name("xfr.key"));
    ASSERT_TRUE(pair.server.verify_query(pair.asked, kNow + 10));
    for (int i = 0; i < 5; ++i) {
      EXPECT_EQ(text_of(pair.client.verify_answer(pair.signed_answer(), kNow)), "good");
    }
    EXPECT_TRUE(pair.client.finish_answer());
  }
}

// Whatever octet is changed, nothing is believed.
TEST(Tsig, EveryOctetIsCovered) {
  Pair pair;
  ASSERT_TRUE(pair.server.verify_query(pair.asked, kNow));
  const Octets good = pair.signed_answer();
  for (std::size_t i = 2; i < good.size(); ++i) {  // The id is replaced by the original one.
    SCOPED_TRACE(i);
    Pair other;
    Octets changed = good;
    changed[i] ^= 0x40;
    EXPECT_FALSE(other.client.verify_answer(changed, kNow));
  }
  Octets renumbered = good;  // A forwarder may change the id (RFC 8945 §4.2).
  renumbered[0] ^= 0xff;
  EXPECT_TRUE(Pair().client.verify_answer(renumbered, kNow));
}

Octets query_signed_with(const TsigKey& key) {
  TsigExchange exchange(key);
  Octets asked = query();
  exchange.sign_query(asked, kNow);
  return asked;
}

TEST(Tsig, WhatIsNotSignedAsItShouldBeIsRefused) {
  struct Case {
    TsigError want;
    void (*spoil)(Pair& pair, Octets& answer);
  };
  const Case cases[] = {
      {TsigError::missing, [](Pair&, Octets& answer) { answer = dns::answer(); }},
      {TsigError::bad_key,
       [](Pair&, Octets& answer) {
         TsigKey other = key();
         other.name = name("other.key");
         answer = query_signed_with(other);
       }},
      {TsigError::bad_signature,
       [](Pair&, Octets& answer) {
         TsigKey other = key();
         other.secret.back() ^= 1;
         answer = query_signed_with(other);
       }},
      // A signature of another exchange: it does not build on our query.
      {TsigError::bad_signature,
       [](Pair&, Octets& answer) {
         const TsigKey same = key();
         TsigExchange server(same);
         answer = dns::answer();
         server.sign_query(answer, kNow);
       }},
      // Something behind the TSIG.
      {TsigError::malformed, [](Pair&, Octets& answer) { answer.push_back(0); }},
      // Cut off anywhere.
      {TsigError::malformed, [](Pair&, Octets& answer) { answer.resize(answer.size() - 1); }},
      {TsigError::malformed, [](Pair&, Octets& answer) { answer.resize(5); }},
      // In the answer section.
      {TsigError::malformed,
       [](Pair&, Octets& answer) {
         answer[7] = 2;
         answer[11] = 0;
       }},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(to_string(c.want));
    Pair pair;
    ASSERT_TRUE(pair.server.verify_query(pair.asked, kNow));
    Octets made = pair.signed_answer();
    c.spoil(pair, made);
    EXPECT_EQ(text_of(pair.client.verify_answer(made, kNow)), text_of(c.want));
  }
}

// Cuts the MAC of a message signed with hmac-sha256 to `size` octets.
void cut_mac(Octets& message, std::size_t size) {
  const std::size_t mac_at = message.size() - 6 - 32;
  message.erase(message.begin() + static_cast<std::ptrdiff_t>(mac_at + size),
                message.begin() + static_cast<std::ptrdiff_t>(mac_at + 32));
  store_u16(&message[mac_at - 2], static_cast<std::uint16_t>(size));
  const std::size_t rdata_size_at = mac_at - 10 - name("hmac-sha256").wire().size() - 2;
  store_u16(&message[rdata_size_at],
            static_cast<std::uint16_t>(load_u16(&message[rdata_size_at]) - 32 + size));
}

TEST(Tsig, AShortenedMacIsTakenDownToHalf) {
  for (const auto& [size, want] :
       std::vector<std::pair<std::size_t, std::string>>{{32, "good"},
                                                        {16, "good"},
                                                        {15, text_of(TsigError::short_mac)},
                                                        {1, text_of(TsigError::short_mac)},
                                                        {0, text_of(TsigError::short_mac)}}) {
    SCOPED_TRACE(size);
    Pair pair;
    Octets asked = pair.asked;
    cut_mac(asked, size);
    EXPECT_EQ(text_of(pair.server.verify_query(asked, kNow)), want);
  }
}

TEST(Tsig, ClocksMayBeApartByTheFudge) {
  for (const auto& [now_s, want] : std::vector<std::pair<std::uint64_t, std::string>>{
           {kNow - 300, "good"},
           {kNow + 300, "good"},
           {kNow - 301, text_of(TsigError::bad_time)},
           {kNow + 301, text_of(TsigError::bad_time)},
           {0, text_of(TsigError::bad_time)}}) {
    Pair pair;
    EXPECT_EQ(text_of(pair.server.verify_query(pair.asked, now_s)), want);
  }
}

TEST(Tsig, AStreamMayLeaveNinetyNineMessagesUnsigned) {
  Pair pair;
  ASSERT_TRUE(pair.server.verify_query(pair.asked, kNow));
  ASSERT_TRUE(pair.client.verify_answer(pair.signed_answer(), kNow));
  for (std::size_t i = 0; i < TsigExchange::kMaxUnsigned; ++i) {
    ASSERT_TRUE(pair.client.verify_answer(answer(), kNow));
  }
  EXPECT_EQ(text_of(pair.client.verify_answer(answer(), kNow)), text_of(TsigError::too_many_plain));
}

TEST(Tsig, TheServersReasonsReachTheClient) {
  struct Case {
    TsigError at_server, at_client;
    std::uint64_t server_clock_s;
    bool knows_key, knows_secret;
  };
  const Case cases[] = {
      {TsigError::bad_key, TsigError::peer_bad_key, kNow, false, true},
      {TsigError::bad_signature, TsigError::peer_bad_signature, kNow, true, false},
      {TsigError::bad_time, TsigError::peer_bad_time, kNow + 1000, true, true},
  };
  for (const Case& c : cases) {
    SCOPED_TRACE(to_string(c.at_server));
    Pair pair;
    TsigKey servers_key = key();
    if (!c.knows_key) servers_key.name = name("other.key");
    if (!c.knows_secret) servers_key.secret[0] ^= 1;
    TsigExchange server(servers_key);
    const auto verified = server.verify_query(pair.asked, c.server_clock_s);
    ASSERT_EQ(text_of(verified), text_of(c.at_server));
    Octets refusal = message(flag::qr | static_cast<std::uint16_t>(Rcode::notauth));
    server.append_error(refusal, pair.asked, verified.error(), c.server_clock_s);
    EXPECT_EQ(text_of(pair.client.verify_answer(refusal, kNow)), text_of(c.at_client));
  }
}

TEST(Tsig, AnotherImplementationsBadTimeIsUnderstood) {
  constexpr std::string_view kBadTime =
      "1234840900010000000000010372707a076578616d706c650000fc000103786672036b65790000fa"
      "00ff0000000000430b686d61632d7368613235360000006553f100012c0020d522c6a9d348d1d72c"
      "9bc2d15f10191c45baf6c0151ab3c829596ba417c6eb6212340012000600006553f4e8";
  Pair pair;
  EXPECT_EQ(text_of(pair.client.verify_answer(from_hex(kBadTime), kNow)),
            text_of(TsigError::peer_bad_time));
}

TEST(Tsig, SecretsAreBase64AndAlgorithmsAreStrong) {
  EXPECT_EQ(tsig_secret_from_text(" AQID\n").value(), (Octets{1, 2, 3}));
  for (const std::string_view text : {"", " ", "hunter2", "AQID;", "AQI", "\"AQID\""}) {
    const auto secret = tsig_secret_from_text(text);
    ASSERT_FALSE(secret) << text;
    EXPECT_EQ(secret.error().text.find("hunter2"), std::string::npos);
  }
  EXPECT_EQ(tsig_secret_from_text(std::string(1000, 'A')).error().code, Errc::limit_exceeded);
  EXPECT_EQ(tsig_algorithm_from_text("hmac-sha256"), TsigAlgorithm::hmac_sha256);
  EXPECT_EQ(tsig_algorithm_from_text("HMAC-SHA512."), TsigAlgorithm::hmac_sha512);
  for (const std::string_view weak : {"hmac-md5", "hmac-md5.sig-alg.reg.int", "hmac-sha1", ""}) {
    EXPECT_FALSE(tsig_algorithm_from_text(weak)) << weak;
  }
}

}  // namespace
}  // namespace postern::dns
