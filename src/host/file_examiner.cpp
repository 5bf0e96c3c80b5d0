#include "host/file_examiner.h"

#include <algorithm>
#include <array>

#include <fmt/format.h>
#include <openssl/evp.h>

#include "exchange/archive_check.h"
#include "exchange/contacts.h"
#include "exchange/page_text.h"
#include "exchange/server_place.h"
#include "exchange/task_check.h"
#include "exchange/verdict.h"
#include "host/archive_survey.h"
#include "host/text_items.h"

namespace postern::host {
namespace {

using exchange::Wanted;
using files::Reason;

constexpr std::uint64_t kMaxContent = 16U << 20;  // What is held of a file; XML needs it all.
constexpr std::uint64_t kMaxHashed = 256U << 20;
constexpr std::uint64_t kDumpOctets = 4U << 20;  // A dump's list of modules is near its front.
constexpr std::uint64_t kMaxMember = 64U << 20;  // Of a file in an archive.
constexpr int kMaxArchiveDepth = 3;

struct FreeDigest {
  void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
};

// All octets from `offset` on, up to `max`.
Result<Octets> read_from(const ArchiveSource& source, std::uint64_t offset, std::uint64_t max) {
  const std::uint64_t left = source.size - std::min(source.size, offset);
  Octets out(static_cast<std::size_t>(std::min(left, max)));
  std::size_t have = 0;
  while (have < out.size()) {
    const std::size_t got =
        POSTERN_TRY(source.read_at(offset + have, std::span(out).subspan(have)));
    if (got == 0) break;
    have += got;
  }
  out.resize(have);
  return out;
}

// Of the whole file, `head` being its first octets.
Result<exchange::Sha256> hash_of(const ArchiveSource& source, OctetView head) {
  const std::unique_ptr<EVP_MD_CTX, FreeDigest> context(EVP_MD_CTX_new());
  if (!context || EVP_DigestInit_ex(context.get(), EVP_sha256(), nullptr) != 1) {
    return fail(Errc::unavailable, "no SHA-256");
  }
  EVP_DigestUpdate(context.get(), head.data(), head.size());
  for (std::uint64_t at = head.size(); at < source.size;) {
    const Octets block = POSTERN_TRY(read_from(source, at, 1U << 20));
    if (block.empty()) break;
    EVP_DigestUpdate(context.get(), block.data(), block.size());
    at += block.size();
  }
  exchange::Sha256 out{};
  EVP_DigestFinal_ex(context.get(), out.data(), nullptr);
  return out;
}

class FileExaminer final : public Examiner {
 public:
  explicit FileExaminer(std::optional<YaraScanner> scanner) : scanner_(std::move(scanner)) {}

  void examine(const Subject& subject, Examined& out) override { examine_at(subject, 0, out); }

 private:
  friend class Members;

  static void note(const Subject& subject, Reason reason, std::string_view text, Examined& out) {
    out.not_examined.push_back({subject.candidate.path, reason, std::string(text)});
  }

  void examine_at(const Subject& subject, int depth, Examined& out) {
    const Candidate& file = subject.candidate;
    const Wanted wanted = wanted_of(file.kind, file.placed, subject.octets.size);
    Octets content;
    if (wanted != Wanted::nothing) {
      const std::uint64_t max = wanted == Wanted::head ? exchange::kHeadOctets : kMaxContent;
      auto read = read_from(subject.octets, 0, max);
      if (!read) return note(subject, files::reason_of(read.error()), read.error().text, out);
      content = *std::move(read);
      out.octets_read += content.size();
    }
    const auto archive = exchange::archive_kind(content);
    const bool dump = text_of(content).starts_with("MDMP") && content.size() < kDumpOctets;
    if (dump) {
      if (auto more = read_from(subject.octets, 0, kDumpOctets)) content = *std::move(more);
    }
    std::optional<exchange::Sha256> hash;
    if (wanted == Wanted::whole && subject.octets.size <= kMaxHashed) {
      if (const auto made = hash_of(subject.octets, content)) hash = *made;
    }
    look(subject, content, hash, out);
    if (archive) look_into(subject, depth, out);
    const bool microsofts =
        hash && subject.server.known != nullptr && subject.server.known->has(*hash);
    if (!microsofts) signatures(subject, content, out);
  }

  void look(const Subject& subject, OctetView content, const std::optional<exchange::Sha256>& hash,
            Examined& out) {
    const Candidate& file = subject.candidate;
    exchange::FileFacts facts;
    facts.path = file.path;
    facts.placed = file.placed;
    facts.size = subject.octets.size;
    facts.content = content;
    facts.hash = hash;
    facts.modified = file.metadata.modified.wall();
    if (file.ntfs) {
      facts.attributes = file.ntfs->attributes;
      if (file.ntfs->times) facts.created = file.ntfs->times->created.wall();
    }
    if (!facts.attributes) facts.attributes = subject.extra.attributes;
    for (const FileExtra::Stream& stream : subject.extra.streams) {
      facts.streams.push_back({stream.name, stream.octets});
    }
    if (file.kind == FileKind::page && subject.octets.size > exchange::kMaxPageOctets) {
      note(subject, Reason::too_large,
           fmt::format("a page of {} octets: looked at up to {}", subject.octets.size,
                       exchange::kMaxPageOctets),
           out);
    }
    auto findings = exchange::check_file(facts, subject.server);
    // A shell's own page says whom it calls; one of Microsoft's that was changed says that, too.
    if (file.kind == FileKind::page) add_contacts(findings, text_of(content));
    add(std::move(findings), out);
    switch (file.kind) {
      case FileKind::task:
        return task(subject, content, out);
      case FileKind::config:
        return config(subject, content, out);
      case FileKind::compiled:
        return compiled(file, content, out);
      case FileKind::module:
        return module(file, content, out);
      default:
        return;
    }
  }

  static void add(std::vector<exchange::Finding> findings, Examined& out) {
    std::ranges::move(findings, std::back_inserter(out.examination.findings));
  }

  /// Once for each file: to the first finding that is proof.
  static void add_contacts(std::vector<exchange::Finding>& findings, std::string_view text) {
    const auto proof = std::ranges::find_if(findings, [](const exchange::Finding& finding) {
      return finding.tier == exchange::Tier::exploited && finding.confidence >= exchange::kProof;
    });
    if (proof == findings.end()) return;
    std::ranges::move(exchange::contacts_in(text), std::back_inserter(proof->details));
  }

  static void task(const Subject& subject, OctetView content, Examined& out) {
    const auto task = exchange::read_task(content);
    if (!task) return note(subject, Reason::not_understood, task.error().text, out);
    auto findings = exchange::check_task(subject.candidate.path, *task, subject.exposed_from);
    std::string text;
    for (const exchange::Finding& finding : findings) {
      for (const exchange::Detail& detail : finding.details) text += detail.value + "\n";
    }
    add_contacts(findings, text);
    add(std::move(findings), out);
  }

  static void config(const Subject& subject, OctetView content, Examined& out) {
    auto config = exchange::check_config(subject.candidate.path, content);
    if (!config) return note(subject, Reason::not_understood, config.error().text, out);
    add(std::move(config->findings), out);
    const auto fact = [&](std::string_view name, bool holds) {
      if (holds) out.examination.facts.push_back({std::string(name), "yes"});
    };
    fact(kFactPowershellRewrite, config->powershell_rewrite);
    fact(kFactBackendRewrite, config->backend_rewrite);
    fact(kFactAnonymousRewrite, config->anonymous_rewrite);
    fact(kFactClearsRules, config->clears_rules);
    for (std::string& name : config->handled) {
      out.examination.facts.push_back({std::string(kFactHandled), std::move(name)});
    }
    if (config->extended_protection) {
      out.examination.facts.push_back(
          {std::string(kFactExtendedProtection), *config->extended_protection ? "yes" : "no"});
    }
  }

  static void compiled(const Candidate& file, OctetView content, Examined& out) {
    const auto page = exchange::compiled_page(exchange::file_name_of(file.path), content);
    if (!page) return;
    out.examination.facts.push_back({std::string(kFactPage), page->virtual_path});
    out.examination.facts.push_back({std::string(kFactAssembly), page->assembly});
  }

  static void module(const Candidate& file, OctetView content, Examined& out) {
    auto finding = exchange::check_module(file.path, content);
    if (finding) out.examination.findings.push_back(*std::move(finding));
  }

  // F-11, and what is in a collection.
  void look_into(const Subject& subject, int depth, Examined& out);

  void signatures(const Subject& subject, OctetView content, Examined& out) {
    if (!scanner_ || content.empty()) return;
    auto found = scanner_->scan(subject.candidate.path, content);
    if (!found) {
      const Reason reason =
          found.error().code == Errc::timed_out ? Reason::timed_out : Reason::unreadable;
      return note(subject, reason, found.error().text, out);
    }
    const bool web = exchange::is_web(exchange::server_place(subject.candidate.placed).zone);
    for (exchange::Finding& finding : *found) {
      // A signature's score says how sure its author is; a place that is served adds to it.
      if (finding.confidence >= 75 && web) finding.tier = exchange::Tier::exploited;
      finding.at = subject.candidate.metadata.modified.wall();
    }
    add(*std::move(found), out);
  }

  std::optional<YaraScanner> scanner_;
};

// The files of an archive that somebody collected, each looked at like one on disk.
class Members final : public ArchiveVisitor {
 public:
  Members(FileExaminer& examiner, const Subject& archive, int depth, Examined& out)
      : examiner_(examiner), archive_(archive), depth_(depth), out_(out) {}

  bool wants(std::string_view path, std::uint64_t /*size*/) override {
    member_.path = fmt::format("{}!/{}", archive_.candidate.path, path);
    member_.placed = member_.path;
    member_.kind = kind_of(member_.placed);
    // Its size may be a lie: one octet stands for any.
    return wanted_of(member_.kind, member_.placed, 1) != Wanted::nothing;
  }

  void visit(ArchivedFile& file) override {
    Octets octets;
    while (true) {
      const auto more = file.next();
      if (!more) note(Reason::not_understood, more.error().text);
      if (!more || more->empty()) break;
      if (octets.size() + more->size() > kMaxMember) {
        note(Reason::too_large,
             fmt::format("over {} octets in an archive: looked at up to there", kMaxMember));
        break;
      }
      octets.insert(octets.end(), more->begin(), more->end());
    }
    if (!octets.empty()) look_at(octets);
  }

 private:
  void note(Reason reason, std::string text) {
    out_.not_examined.push_back({member_.path, reason, std::move(text)});
  }

  void look_at(OctetView octets) {
    member_.metadata.modified = archive_.candidate.metadata.modified;
    const exchange::ServerFacts& server =
        archive_.server_at ? archive_.server_at(member_.path) : archive_.server;
    const Subject subject{member_,
                          server,
                          archive_.exposed_from,
                          ArchiveSource::of(octets),
                          {},
                          archive_.has_page,
                          archive_.server_at};
    const std::size_t first = out_.examination.facts.size();
    examiner_.examine_at(subject, depth_ + 1, out_);
    for (std::size_t i = first; i < out_.examination.facts.size(); ++i) {
      exchange::Detail& fact = out_.examination.facts[i];
      if (fact.name == kFactMember) continue;  // Of an archive in this one.
      std::string text;
      append_item(text, member_.path);
      append_item(text, fact.name);
      append_item(text, fact.value);
      fact = {std::string(kFactMember), std::move(text)};
    }
  }

  FileExaminer& examiner_;
  const Subject& archive_;
  int depth_;
  Examined& out_;
  Candidate member_;
};

void FileExaminer::look_into(const Subject& subject, int depth, Examined& out) {
  const Candidate& file = subject.candidate;
  const auto listed = list_archive(subject.octets, file.path);
  if (!listed) return note(subject, Reason::not_understood, listed.error().text, out);
  if (!listed->fault.empty()) note(subject, Reason::not_understood, listed->fault, out);
  auto finding = exchange::check_archive(file.placed, subject.octets.size, listed->listing);
  if (finding) {
    finding->place.path = file.path;
    finding->at = file.metadata.modified.wall();
    out.examination.findings.push_back(*std::move(finding));
  }
  if (!is_collection(file.placed) || listed->listing.encrypted) return;
  if (depth + 1 >= kMaxArchiveDepth) {
    return note(subject, Reason::too_deep, "archives in archives in archives", out);
  }
  Members members(*this, subject, depth, out);
  const auto read = read_archive(subject.octets, file.path, members);
  if (read) return;
  const bool bound = read.error().code == Errc::limit_exceeded;
  note(subject, bound ? Reason::too_large : Reason::not_understood, read.error().text, out);
}

}  // namespace

std::map<std::string, std::vector<exchange::Detail>> member_facts_of(
    const std::vector<exchange::Detail>& facts) {
  std::map<std::string, std::vector<exchange::Detail>> out;
  for (const exchange::Detail& fact : facts) {
    if (fact.name != kFactMember) continue;
    TextItems items(fact.value);
    const auto path = items.next();
    const auto name = items.next();
    const auto value = items.next();
    if (value) out[std::string(*path)].push_back({std::string(*name), std::string(*value)});
  }
  return out;
}

exchange::ConfigFacts config_facts_of(std::string_view path,
                                      const std::vector<exchange::Detail>& facts) {
  exchange::ConfigFacts out;
  out.path = path;
  for (const exchange::Detail& fact : facts) {
    const bool yes = fact.value == "yes";
    if (fact.name == kFactPowershellRewrite) out.powershell_rewrite = yes;
    if (fact.name == kFactBackendRewrite) out.backend_rewrite = yes;
    if (fact.name == kFactAnonymousRewrite) out.anonymous_rewrite = yes;
    if (fact.name == kFactClearsRules) out.clears_rules = yes;
    if (fact.name == kFactExtendedProtection) out.extended_protection = yes;
    if (fact.name == kFactHandled) out.handled.push_back(fact.value);
  }
  return out;
}

bool FileExaminers::wants(FileKind kind, std::string_view placed, std::uint64_t size) const {
  return wanted_of(kind, placed, size) != Wanted::nothing;
}

Result<std::unique_ptr<Examiner>> FileExaminers::make() const {
  std::optional<YaraScanner> scanner;
  if (yara_ != nullptr) scanner = POSTERN_TRY(YaraScanner::make(*yara_));
  return std::unique_ptr<Examiner>(std::make_unique<FileExaminer>(std::move(scanner)));
}

}  // namespace postern::host
