#include "host/sweep_data.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <filesystem>
#include <memory>

#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/sha.h>
#include <unistd.h>
#include <zlib.h>

#include "base/file_descriptor.h"

namespace postern::host {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kTableName = "known-good.table";
constexpr std::string_view kYaraFolder = "yara";
constexpr std::string_view kFilesHeader = "sha256,path,build_idx";
constexpr std::string_view kBuildsHeader = "build_idx,build";

struct CloseGz {
  void operator()(gzFile_s* file) const { gzclose(file); }
};

// A file, unpacked if it is packed.
Result<std::string> read_unpacked(const std::string& path) {
  errno = 0;
  const std::unique_ptr<gzFile_s, CloseGz> file(gzopen(path.c_str(), "rbe"));
  if (!file) return Unexpected<Error>(system_error("open " + path, errno));
  std::string out;
  std::vector<char> block(1 << 20);
  while (true) {
    const int got = gzread(file.get(), block.data(), static_cast<unsigned>(block.size()));
    if (got < 0) return fail(Errc::corrupt, path + ": damaged gzip");
    if (got == 0) return out;
    out.append(block.data(), static_cast<std::size_t>(got));
    if (out.size() > kMaxImportOctets) {
      return fail(Errc::limit_exceeded, fmt::format("{}: over {} octets", path, kMaxImportOctets));
    }
  }
}

// Beside its name first: who reads it meanwhile sees the old one or the new one.
Result<void> write_whole(const std::string& path, OctetView octets) {
  const std::string beside = path + ".new";
  const FileDescriptor file(::open(beside.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file) return Unexpected<Error>(system_error("write " + beside, errno));
  while (!octets.empty()) {
    const ssize_t done = ::write(file.get(), octets.data(), octets.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) return Unexpected<Error>(system_error("write " + beside, errno));
    octets = octets.subspan(static_cast<std::size_t>(done));
  }
  if (::fsync(file.get()) != 0) return Unexpected<Error>(system_error("write " + beside, errno));
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    return Unexpected<Error>(system_error("rename " + beside, errno));
  }
  return {};
}

std::string first_line(std::string_view text) {
  std::string_view line = text.substr(0, std::min<std::size_t>(text.find('\n'), 200));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return std::string(line);
}

bool is_signatures(const fs::path& path) {
  const std::string extension = exchange::lower(path.extension().string());
  return extension == ".yar" || extension == ".yara";
}

std::string hash_text(std::string_view text) {
  exchange::Sha256 hash{};
  SHA256(reinterpret_cast<const unsigned char*>(text.data()), text.size(), hash.data());
  return exchange::to_string(hash);
}

class Importer {
 public:
  explicit Importer(std::string folder) : folder_(std::move(folder)) {}

  Result<Imported> run(const std::vector<std::string>& paths) {
    std::error_code error;
    fs::create_directories(folder_ + "/" + std::string(kYaraFolder), error);
    if (error) return fail(Errc::denied, fmt::format("{}: {}", folder_, error.message()));
    for (const std::string& path : paths) collect(path);
    for (const std::string& path : files_) POSTERN_CHECK(take(path));
    POSTERN_CHECK(make_table());
    return std::move(out_);
  }

 private:
  void refuse(std::string_view path, std::string_view why) {
    out_.lines.push_back(fmt::format("{}: not taken: {}", path, why));
    ++out_.refused;
  }

  void collect(const std::string& path) {
    std::error_code error;
    if (!fs::is_directory(path, error)) return files_.push_back(path);
    std::vector<std::string> inside;
    for (fs::directory_iterator at(path, error), end; !error && at != end; at.increment(error)) {
      if (at->is_regular_file(error) && files_.size() + inside.size() < kMaxImportFiles) {
        inside.push_back(at->path().string());
      }
    }
    std::ranges::sort(inside);
    std::ranges::move(inside, std::back_inserter(files_));
    from_folder_ = true;
  }

  Result<void> take(const std::string& path) {
    auto text = read_unpacked(path);
    if (!text) {
      refuse(path, text.error().text);
      return {};
    }
    const std::string line = first_line(*text);
    if (line == kFilesHeader) {
      file_lists_.emplace_back(path, *std::move(text));
    } else if (line == kBuildsHeader) {
      build_lists_.emplace_back(path, *std::move(text));
    } else if (is_signatures(path)) {
      return take_signatures(path, *text);
    } else if (!from_folder_) {
      refuse(path, "neither hashes of known files nor signatures");
    }
    return {};
  }

  Result<void> take_signatures(const std::string& path, const std::string& text) {
    const std::vector<YaraSource> source{{path, text}};
    const auto rules = YaraRules::compile(source);
    if (!rules) {
      refuse(path, rules.error().text);
      return {};
    }
    const std::string to =
        fmt::format("{}/{}/{}", folder_, kYaraFolder, fs::path(path).filename().string());
    POSTERN_CHECK(write_whole(to, octets_of(text)));
    out_.lines.push_back(fmt::format("{}: {} signatures", path, rules->count()));
    return {};
  }

  // Builds that stand beside a list of files under a usual name.
  void look_beside(const std::string& files) {
    const fs::path path(files);
    std::string stem = path.filename().string();
    stem = stem.substr(0, stem.find('.'));
    for (const std::string& name : {std::string("builds.csv"), stem + "-builds.csv"}) {
      auto text = read_unpacked((path.parent_path() / name).string());
      if (!text || first_line(*text) != kBuildsHeader) continue;
      build_lists_.emplace_back((path.parent_path() / name).string(), *std::move(text));
      return;
    }
  }

  Result<void> make_table() {
    if (file_lists_.empty()) {
      for (const auto& list : build_lists_) {
        refuse(list.first, "builds alone say nothing: give the list of files too");
      }
      return {};
    }
    if (build_lists_.empty()) look_beside(file_lists_.front().first);
    exchange::KnownGoodBuilder builder;
    for (const auto& [path, text] : build_lists_) {
      if (const auto done = builder.add_builds(text); !done) {
        refuse(path, done.error().text);
        return {};
      }
    }
    if (build_lists_.empty()) {
      refuse(file_lists_.front().first, "the list of builds (build_idx,build) is not beside it");
      return {};
    }
    for (const auto& [path, text] : file_lists_) {
      if (const auto done = builder.add_files(text); !done) {
        refuse(path, done.error().text);
        return {};
      }
    }
    const auto octets = builder.finish();
    if (!octets) {
      refuse(file_lists_.front().first, octets.error().text);
      return {};
    }
    const auto table = exchange::KnownGood::open(*octets);
    POSTERN_CHECK(write_whole(fmt::format("{}/{}", folder_, kTableName), *octets));
    out_.lines.push_back(fmt::format(
        "{}: {} hashes of {} builds{}", file_lists_.front().first, table ? table->hash_count() : 0,
        table ? table->build_count() : 0,
        builder.skipped() == 0 ? "" : fmt::format(", {} lines not taken", builder.skipped())));
    return {};
  }

  std::string folder_;
  std::vector<std::string> files_;
  bool from_folder_ = false;
  std::vector<std::pair<std::string, std::string>> file_lists_, build_lists_;
  Imported out_;
};

}  // namespace

SweepData load_sweep_data(const std::string& folder) {
  SweepData out;
  std::string identity;
  const std::string table = fmt::format("{}/{}", folder, kTableName);
  if (auto text = read_unpacked(table)) {
    out.table.assign(text->begin(), text->end());
    auto known = exchange::KnownGood::open(out.table);
    if (known) {
      out.known = *std::move(known);
      identity += hash_text(*text);
    } else {
      out.notes.push_back(fmt::format("{}: {}; import it again", table, known.error().text));
    }
  }
  std::vector<YaraSource> sources;
  std::error_code error;
  std::vector<std::string> paths;
  for (fs::directory_iterator at(folder + "/" + std::string(kYaraFolder), error), end;
       !error && at != end; at.increment(error)) {
    if (is_signatures(at->path())) paths.push_back(at->path().string());
  }
  std::ranges::sort(paths);
  for (const std::string& path : paths) {
    auto text = read_unpacked(path);
    if (!text) {
      out.notes.push_back(text.error().text);
      continue;
    }
    identity += hash_text(*text);
    sources.push_back({fs::path(path).filename().string(), *std::move(text)});
  }
  if (!sources.empty()) {
    auto rules = YaraRules::compile(sources);
    if (rules) {
      for (const YaraRules::Refused& refused : rules->refused()) {
        out.notes.push_back(fmt::format("{}: {}", refused.name, refused.why));
      }
      out.yara = *std::move(rules);
    } else {
      out.notes.push_back(rules.error().text);
    }
  }
  out.identity = hash_text(identity);
  return out;
}

Result<Imported> import_sweep_data(const std::string& folder,
                                   const std::vector<std::string>& paths) {
  return Importer(folder).run(paths);
}

}  // namespace postern::host
