#include "evidence/custody.h"

#include <utility>

#include "evidence/durable.h"
#include "evidence/json.h"
#include "evidence/sha256.h"
#include "evidence/time_text.h"

namespace postern::evidence {
namespace {

constexpr std::size_t kMaxLineOctets = 64U << 10;
constexpr std::size_t kDigits = 64;

// What the chain goes on from: the digest of a line with its end, as `sha256sum` sees it.
std::string link_to(const std::string& line) {
  return sha256_hex(line + "\n");
}

std::string to_line(const CustodyEntry& entry, const std::string& previous) {
  JsonObject out;
  out.number("n", entry.number).text("at", entry.at);
  out.text("who", entry.who).text("host", entry.host).text("program", entry.program);
  out.text("event", entry.event).text("what", entry.what);
  if (!entry.manifest_sha256.empty()) out.text("manifest_sha256", entry.manifest_sha256);
  return out.text("previous", previous).done();
}

CustodyEntry entry_of(const Json& json) {
  return {json["n"].number().value_or(0),
          json["at"].text(),
          json["who"].text(),
          json["host"].text(),
          json["program"].text(),
          json["event"].text(),
          json["what"].text(),
          json["manifest_sha256"].text()};
}

}  // namespace

CustodyCheck check_custody(std::string_view log, OctetView signature, const PublicKey& key) {
  CustodyCheck check;
  const std::vector<std::string> lines = whole_lines(log);
  const bool is_torn = !log.empty() && log.back() != '\n';
  if (is_torn) check.problems.emplace_back("its last line is torn");
  std::string previous(kDigits, '0');
  for (const std::string& line : lines) {
    const std::string place = "line " + std::to_string(check.entries.size() + 1);
    const auto json = Json::parse(line, kMaxLineOctets);
    if (!json) {
      check.problems.push_back(place + ": " + json.error().text);
      return check;
    }
    if ((*json)["previous"].text() != previous ||
        (*json)["n"].number() != check.entries.size() + 1) {
      check.problems.push_back(place + " does not follow the line before it: the log was changed");
      return check;
    }
    previous = link_to(line);
    check.entries.push_back(entry_of(*json));
  }
  if (lines.empty()) {
    check.problems.emplace_back("it is empty");
    return check;
  }
  if (key.verifies(octets_of(lines.back() + "\n"), signature)) {
    check.is_interrupted = is_torn;
    return check;
  }
  const bool is_one_behind =
      lines.size() > 1 && key.verifies(octets_of(lines[lines.size() - 2] + "\n"), signature);
  check.is_interrupted = is_one_behind;
  check.problems.emplace_back(is_one_behind
                                  ? "its last line is not signed: writing it was interrupted, or "
                                    "somebody else added it"
                                  : "the signature is not this key's over its last line");
  return check;
}

Result<void> add_to_custody(int pack, CustodyEntry entry, const Witness& witness,
                            const SigningKey& key) {
  LineFile log = POSTERN_TRY(LineFile::open(pack, kCustodyFile, kMaxCustodyOctets));
  const std::vector<std::string>& lines = log.lines();
  const auto signature = read_file(pack, kCustodySignature, kSignatureOctets);
  const bool was_signed =
      lines.empty() || (signature && key.public_key().verifies(octets_of(lines.back() + "\n"),
                                                               octets_of(*signature)));
  entry.number = lines.size() + 1;
  entry.at = to_utc(witness.now());
  entry.who = witness.who;
  entry.host = witness.host;
  entry.program = witness.program;
  if (!was_signed) entry.what += " (the line before was found without this key's signature)";
  const std::string line =
      to_line(entry, lines.empty() ? std::string(kDigits, '0') : link_to(lines.back()));
  POSTERN_CHECK(log.append(line));
  const Octets signed_line = key.sign(octets_of(line + "\n"));
  return replace_file(pack, kCustodySignature, text_of(signed_line), 0644);
}

Result<void> mend_custody(int pack, const Witness& witness, const SigningKey& key) {
  const std::string pem = POSTERN_TRY(read_file(pack, kPublicKeyFile, kMaxPemOctets));
  if (pem != key.public_key().pem()) return fail(Errc::denied, "the pack is of another key");
  const std::string log = POSTERN_TRY(read_file(pack, kCustodyFile, kMaxCustodyOctets));
  const std::string signature = POSTERN_TRY(read_file(pack, kCustodySignature, kSignatureOctets));
  if (!check_custody(log, octets_of(signature), key.public_key()).is_interrupted) return {};
  CustodyEntry entry;
  entry.event = "resumed";
  entry.what = "the log was found interrupted";
  return add_to_custody(pack, entry, witness, key);
}

}  // namespace postern::evidence
