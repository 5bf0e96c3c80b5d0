// Which log a file is: by its beginning, else by its path.
#include <algorithm>
#include <array>

#include "exchange/fold.h"
#include "exchange/log_reader.h"

namespace postern::exchange {
namespace {

struct Hint {
  std::string_view text;  ///< In small letters.
  LogKind kind;
};

constexpr LogKind kIis{LogFormat::w3c, Source::iis};
constexpr LogKind kHttpProxy{LogFormat::csv, Source::httpproxy};
constexpr LogKind kEcp{LogFormat::csv, Source::ecp};
constexpr LogKind kOab{LogFormat::text, Source::oab};
constexpr LogKind kCmdlet{LogFormat::csv, Source::cmdlet};

/// Parts of a path, the surest first.
constexpr std::array kPathHints = {
    Hint{"/oabgeneratorlog/", kOab},
    Hint{"/cmdletinfra/", kCmdlet},
    Hint{"/httpproxy/", kHttpProxy},
    Hint{"/ecp/server/", kEcp},
    Hint{"/w3svc", kIis},
};
/// Parts of a file's name, of logs that were collected into one folder.
constexpr std::array kNameHints = {
    Hint{"httpproxy_", kHttpProxy}, Hint{"ecpserver", kEcp},    Hint{"rps_http_", kCmdlet},
    Hint{"_cmdlet_", kCmdlet},      Hint{"oabgenerator", kOab}, Hint{"u_ex", kIis},
    Hint{"u_extend", kIis},
};

bool has_log_ending(std::string_view name) {
  return name.find(".log") != std::string_view::npos || name.find(".txt") != std::string_view::npos;
}

std::optional<LogKind> kind_of_path(std::string_view path) {
  std::string folded_path = "/" + folded(path, Fold::ascii);
  std::ranges::replace(folded_path, '\\', '/');
  const std::string_view whole = folded_path;
  const std::string_view name = whole.substr(whole.rfind('/') + 1);
  if (!has_log_ending(name)) return std::nullopt;
  for (const Hint& hint : kPathHints) {
    if (whole.find(hint.text) != std::string_view::npos) return hint.kind;
  }
  for (const Hint& hint : kNameHints) {
    if (name.find(hint.text) != std::string_view::npos) return hint.kind;
  }
  return std::nullopt;
}

bool has(std::string_view text, std::string_view word) {
  return contains_folded(text, word, Fold::ascii);
}

/// By the names of columns in a line.
std::optional<LogKind> kind_of_columns(std::string_view line) {
  if (has(line, "cs-method") || has(line, "cs-uri-stem") || has(line, "sc-status")) return kIis;
  if (has(line, "anchormailbox") && has(line, "urlstem")) return kHttpProxy;
  if (has(line, "eventid") && has(line, "eventdata")) return kEcp;
  if (has(line, "clientinfo") && has(line, "urlstem")) return kCmdlet;
  if (has(line, "cmdlet") && has(line, "parameters")) return kCmdlet;
  return std::nullopt;
}

bool is_header(std::string_view line) {
  if (starts_folded(line, "#fields:", Fold::ascii)) return true;
  for (const std::string_view first : {"datetime,", "timestamp,", "starttime,"}) {
    if (starts_folded(line, first, Fold::ascii)) return true;
  }
  return false;
}

std::optional<LogKind> kind_of_comment(std::string_view line) {
  if (!line.starts_with('#')) return std::nullopt;
  if (has(line, "internet information services")) return kIis;
  if (!has(line, "log-type")) return std::nullopt;
  if (has(line, "httpproxy")) return kHttpProxy;
  if (has(line, "ecp")) return kEcp;
  if (has(line, "oab")) return kOab;
  if (has(line, "rps") || has(line, "cmdlet")) return kCmdlet;
  return std::nullopt;
}

/// What begins as a gzip or a zip file does.
bool is_packed(OctetView head) {
  const std::string_view text = postern::text_of(head);
  return text.starts_with("\x1f\x8b") || text.starts_with("PK\x03\x04");
}

}  // namespace

std::optional<LogKind> guess_log(std::string_view path, OctetView head) {
  if (is_packed(head)) return std::nullopt;
  const std::string text = text_of_head(head.first(std::min(head.size(), kGuessOctets)));
  std::string_view rest = text;
  std::optional<LogKind> by_comment;
  while (!rest.empty()) {
    const std::size_t end = rest.find('\n');
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (is_header(line)) {
      if (const auto kind = kind_of_columns(line)) return kind;
    }
    if (!by_comment) by_comment = kind_of_comment(line);
  }
  return by_comment ? by_comment : kind_of_path(path);
}

}  // namespace postern::exchange
