#include "host/yara.h"

#include <algorithm>
#include <cstring>

#include <fmt/format.h>
#include <yara.h>

#include "exchange/known_good.h"

namespace postern::host {
namespace {

constexpr const char* kExternals[] = {"filename", "filepath", "extension", "filetype", "owner"};

struct FreeCompiler {
  void operator()(YR_COMPILER* compiler) const { yr_compiler_destroy(compiler); }
};
using Compiler = std::unique_ptr<YR_COMPILER, FreeCompiler>;

// libyara counts how often it is begun and ended.
class Library {
 public:
  Library() : good_(yr_initialize() == ERROR_SUCCESS) {}
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() {
    if (good_) yr_finalize();
  }
  bool good() const { return good_; }

 private:
  bool good_;
};

struct Messages {
  std::string first;
};

// Rules may say "include": no file is ever opened for one.
const char* no_include(const char* /*name*/, const char* /*from*/, const char* /*space*/,
                       void* /*user*/) {
  return nullptr;
}

Compiler make_compiler(Messages& messages) {
  YR_COMPILER* made = nullptr;
  if (yr_compiler_create(&made) != ERROR_SUCCESS) return nullptr;
  Compiler compiler(made);
  yr_compiler_set_callback(
      made,
      [](int level, const char*, int line, const YR_RULE*, const char* message, void* user) {
        auto& first = static_cast<Messages*>(user)->first;
        if (level != YARA_ERROR_LEVEL_ERROR || !first.empty()) return;
        first = fmt::format("line {}: {}", line, message);
      },
      &messages);
  yr_compiler_set_include_callback(made, no_include, nullptr, nullptr);
  for (const char* const name : kExternals) yr_compiler_define_string_variable(made, name, "");
  return compiler;
}

std::string compile_error(const YaraSource& source) {
  Messages messages;
  const Compiler compiler = make_compiler(messages);
  if (!compiler) return "out of memory";
  const int errors = yr_compiler_add_string(compiler.get(), source.text.c_str(), nullptr);
  if (errors == 0) return {};
  return messages.first.empty() ? "does not compile" : messages.first;
}

struct Scan {
  std::string_view path;
  std::vector<exchange::Finding> findings;
};

constexpr std::size_t kMaxMatches = 200;

exchange::Finding finding_of(const YR_RULE& rule, std::string_view path) {
  exchange::Finding out;
  out.rule = fmt::format("yara:{}", rule.identifier);
  out.place.path = path;
  out.confidence = 75;
  out.tier = exchange::Tier::hunt;
  out.title = fmt::format("Content as the signature {} says", rule.identifier);
  YR_META* meta = nullptr;
  const YR_RULE* const meta_of = &rule;
  yr_rule_metas_foreach(meta_of, meta) {
    const std::string name = exchange::lower(meta->identifier);
    if (meta->type == META_TYPE_INTEGER && name == "score") {
      out.confidence = static_cast<int>(std::clamp<std::int64_t>(meta->integer, 0, 100));
    } else if (meta->type == META_TYPE_STRING && name == "author") {
      out.author = meta->string;
    } else if (meta->type == META_TYPE_STRING && (name == "description" || name == "reference")) {
      out.details.push_back({name, meta->string});
    }
  }
  return out;
}

int on_match(YR_SCAN_CONTEXT* /*context*/, int message, void* data, void* user) {
  auto& scan = *static_cast<Scan*>(user);
  if (message != CALLBACK_MSG_RULE_MATCHING) return CALLBACK_CONTINUE;
  scan.findings.push_back(finding_of(*static_cast<const YR_RULE*>(data), scan.path));
  return scan.findings.size() < kMaxMatches ? CALLBACK_CONTINUE : CALLBACK_ABORT;
}

}  // namespace

struct YaraRules::Compiled {
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    if (rules != nullptr) yr_rules_destroy(rules);
  }

  Library library;
  YR_RULES* rules = nullptr;
};

YaraRules::YaraRules() : compiled_(std::make_unique<Compiled>()) {}
YaraRules::YaraRules(YaraRules&&) noexcept = default;
YaraRules& YaraRules::operator=(YaraRules&&) noexcept = default;
YaraRules::~YaraRules() = default;

Result<YaraRules> YaraRules::compile(std::span<const YaraSource> sources) {
  YaraRules out;
  if (!out.compiled_->library.good()) return fail(Errc::unavailable, "libyara cannot begin");
  Messages messages;
  const Compiler compiler = make_compiler(messages);
  if (!compiler) return fail(Errc::unavailable, "out of memory");
  // A compiler that has seen an error is of no more use: each text is tried by itself first.
  for (const YaraSource& source : sources) {
    std::string error = compile_error(source);
    if (error.empty() &&
        yr_compiler_add_string(compiler.get(), source.text.c_str(), source.name.c_str()) != 0) {
      return fail(Errc::invalid_input, fmt::format("{}: {}", source.name, messages.first));
    }
    if (!error.empty()) out.refused_.push_back({source.name, std::move(error)});
  }
  if (yr_compiler_get_rules(compiler.get(), &out.compiled_->rules) != ERROR_SUCCESS) {
    return fail(Errc::unavailable, "libyara cannot keep the rules");
  }
  YR_RULE* rule = nullptr;
  yr_rules_foreach(out.compiled_->rules, rule)++ out.count_;
  if (out.count_ == 0) {
    return fail(Errc::invalid_input,
                out.refused_.empty()
                    ? "no rules"
                    : fmt::format("{}: {}", out.refused_.front().name, out.refused_.front().why));
  }
  return out;
}

struct YaraScanner::State {
  State() = default;
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    if (scanner != nullptr) yr_scanner_destroy(scanner);
  }

  YR_SCANNER* scanner = nullptr;
};

YaraScanner::YaraScanner(std::unique_ptr<State> state) : state_(std::move(state)) {}
YaraScanner::YaraScanner(YaraScanner&&) noexcept = default;
YaraScanner& YaraScanner::operator=(YaraScanner&&) noexcept = default;
YaraScanner::~YaraScanner() = default;

Result<YaraScanner> YaraScanner::make(const YaraRules& rules) {
  auto state = std::make_unique<State>();
  if (yr_scanner_create(rules.compiled_->rules, &state->scanner) != ERROR_SUCCESS) {
    return fail(Errc::unavailable, "libyara has no memory for a scanner");
  }
  yr_scanner_set_timeout(state->scanner, kTimeoutS);
  // The octets are ours: nothing can vanish beneath it, and no signal handlers are wanted.
  yr_scanner_set_flags(state->scanner, SCAN_FLAGS_NO_TRYCATCH | SCAN_FLAGS_REPORT_RULES_MATCHING);
  return YaraScanner(std::move(state));
}

Result<std::vector<exchange::Finding>> YaraScanner::scan(std::string_view path, OctetView content) {
  const std::string whole(path);
  const std::string name(exchange::file_name_of(path));
  const std::string extension =
      name.find('.') == std::string::npos ? "" : "." + std::string(exchange::extension_of(name));
  YR_SCANNER* const scanner = state_->scanner;
  yr_scanner_define_string_variable(scanner, "filename", name.c_str());
  yr_scanner_define_string_variable(scanner, "filepath", whole.c_str());
  yr_scanner_define_string_variable(scanner, "extension", extension.c_str());
  Scan scan{path, {}};
  yr_scanner_set_callback(scanner, on_match, &scan);
  const int code = yr_scanner_scan_mem(scanner, content.data(), content.size());
  if (code == ERROR_SCAN_TIMEOUT) {
    return fail(Errc::timed_out, fmt::format("signatures took over {} s", kTimeoutS));
  }
  if (code != ERROR_SUCCESS && code != ERROR_CALLBACK_ERROR) {
    return fail(Errc::unavailable, fmt::format("libyara: error {}", code));
  }
  return std::move(scan.findings);
}

}  // namespace postern::host
