// What stands in files, as opposed to rows of logs: pages, tasks, configurations, archives, dumps.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exchange/config_check.h"
#include "host/examiner.h"
#include "host/yara.h"

namespace postern::host {

/// Names of facts (Examination::facts) that are judged when all files were seen.
inline constexpr std::string_view kFactPage = "compiled page";
inline constexpr std::string_view kFactAssembly = "assembly";
inline constexpr std::string_view kFactPowershellRewrite = "powershell rewrite";
inline constexpr std::string_view kFactBackendRewrite = "backend rewrite";
inline constexpr std::string_view kFactAnonymousRewrite = "anonymous rewrite";
inline constexpr std::string_view kFactClearsRules = "clears rules";
inline constexpr std::string_view kFactExtendedProtection = "extended protection";
inline constexpr std::string_view kFactHandled = "handled";  ///< ConfigFacts::handled, one each.

/// A fact of a file in an archive, with its path.
inline constexpr std::string_view kFactMember = "in the archive";

/// The facts of an archive's files, by their paths.
std::map<std::string, std::vector<exchange::Detail>> member_facts_of(
    const std::vector<exchange::Detail>& facts);

/// The facts of a configuration, back.
exchange::ConfigFacts config_facts_of(std::string_view path,
                                      const std::vector<exchange::Detail>& facts);

/// Without `yara` no signatures are tried. It must outlive what is made.
class FileExaminers final : public ExaminerFactory {
 public:
  explicit FileExaminers(const YaraRules* yara) : yara_(yara) {}

  bool wants(FileKind kind, std::string_view placed, std::uint64_t size) const override;
  Result<std::unique_ptr<Examiner>> make() const override;

 private:
  const YaraRules* yara_;
};

}  // namespace postern::host
