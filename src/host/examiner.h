// Examiner: looks at one file of a swept tree. What is found in files is file_examiner's; rows of
// logs are another examiner's to read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/file_descriptor.h"
#include "base/octets.h"
#include "base/result.h"
#include "exchange/file_check.h"
#include "files/metadata.h"
#include "files/not_examined.h"
#include "files/ntfs.h"
#include "host/archives.h"
#include "host/file_kinds.h"
#include "host/finding_octets.h"

namespace postern::host {

/// A file that somebody wants to look at.
struct Candidate {
  std::string path;    ///< Beneath the root; in an archive "a.zip!/b".
  std::string placed;  ///< What its place is judged by.
  FileKind kind{};
  files::Metadata metadata;
  std::optional<files::NtfsFacts> ntfs;
  std::optional<std::size_t> server;  ///< Index among the servers of the root.
};

/// What Windows keeps beside a file's content, as a mount or a copying tool hands it on.
struct FileExtra {
  struct Stream {
    std::string name;
    Octets octets;  ///< 64 KiB of it at most.
  };
  std::vector<Stream> streams;
  std::optional<std::uint32_t> attributes;  ///< Where a copy kept them (DOSATTRIB); not of NTFS.
};

/// At most so many streams of a file are read.
inline constexpr std::size_t kMaxStreams = 64;

/// By its extended attributes; empty where it has none.
FileExtra file_extra(const FileDescriptor& file);

/// What an examiner is given of its file. Octets come from the disk, or out of an archive.
struct Subject {
  const Candidate& candidate;
  const exchange::ServerFacts& server;
  std::string exposed_from;  ///< "2021-01-03": since when the server was open; empty: not known.
  ArchiveSource octets;      ///< Of the file itself, at any offset.
  FileExtra extra;           ///< Of files on disk.
  /// Whether the tree has a page at this path of a URL. May be empty.
  std::function<bool(std::string_view stem)> has_page{};
  /// Of an archive of several servers: which one a file in it is of. May be empty.
  std::function<const exchange::ServerFacts&(std::string_view path)> server_at{};
};

/// What came of it.
struct Examined {
  Examination examination;
  std::vector<files::NotExamined> not_examined;
  std::uint64_t octets_read = 0;
};

/// Called on several threads, one object a thread.
class Examiner {
 public:
  Examiner() = default;
  Examiner(const Examiner&) = delete;
  Examiner& operator=(const Examiner&) = delete;
  virtual ~Examiner() = default;

  virtual void examine(const Subject& subject, Examined& out) = 0;
};

/// Makes examiners of one sort, and says what they want. Any thread.
class ExaminerFactory {
 public:
  ExaminerFactory() = default;
  ExaminerFactory(const ExaminerFactory&) = delete;
  ExaminerFactory& operator=(const ExaminerFactory&) = delete;
  virtual ~ExaminerFactory() = default;

  virtual bool wants(FileKind kind, std::string_view placed, std::uint64_t size) const = 0;
  virtual Result<std::unique_ptr<Examiner>> make() const = 0;
};

}  // namespace postern::host
