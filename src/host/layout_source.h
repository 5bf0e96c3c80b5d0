// What the files of a server that tell its version and place say, whether they lie on a disk or in
// an archive.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "exchange/builds.h"
#include "exchange/known_good.h"
#include "files/root.h"

namespace postern::host {

/// Files that are opened to tell a server by.
enum class MarkKind : std::uint8_t {
  program,    ///< bin/ExSetup.exe
  hive,       ///< System32/config/SOFTWARE
  library,    ///< Microsoft.Exchange.FrontEndHttpProxy.dll
  setup_log,  ///< ExchangeSetupLogs/ExchangeSetup.log
};

/// How much of one is read.
std::uint64_t max_octets(MarkKind kind);

/// What the registry says of Exchange's setup.
struct SetupKey {
  std::string install;  ///< As Windows writes it; may be empty.
  std::optional<exchange::BuildVersion> version;
  bool unified_messaging = false;  ///< The role has a key of its own.
};

/// What one of these files says.
struct MarkFacts {
  std::optional<exchange::BuildVersion> version;  ///< Of a program.
  std::optional<exchange::Sha256> hash;           ///< Of a library.
  std::optional<SetupKey> setup;                  ///< Of a hive; nothing where it has no such key.
  std::vector<exchange::Day> days;                ///< Of a setup log.
  std::string fault;                              ///< Why it could not be read; else empty.
};

/// Of the file's octets.
MarkFacts mark_facts(MarkKind kind, OctetView octets);

/// As one text and back, for the state; nothing where the text is none of ours.
std::string kept_text(const MarkFacts& facts);
std::optional<MarkFacts> mark_facts_from(std::string_view text);

/// The version in a program's resources: the numbers behind VS_VERSION_INFO. Nothing where there
/// are none.
std::optional<exchange::BuildVersion> file_version(OctetView program);

/// The days on which setup ended well, in order: of lines such as "[02/22/2021 10:00:00.0000] [0]
/// The Exchange Server setup operation completed successfully."
std::vector<exchange::Day> setup_days(std::string_view setup_log);

/// Where the files of a layout are.
class LayoutSource {
 public:
  LayoutSource() = default;
  LayoutSource(const LayoutSource&) = delete;
  LayoutSource& operator=(const LayoutSource&) = delete;
  virtual ~LayoutSource() = default;

  virtual MarkFacts facts_of(const std::string& path, MarkKind kind) const = 0;
  /// The folder that Windows would take for this one; empty where there is none.
  virtual std::string find_folder(std::string_view path) const = 0;
  /// Where a mount gives NTFS's own times; in a copied tree all is as young as the copy.
  virtual std::optional<exchange::Day> came_on_disk(const std::string& path) const = 0;
};

/// Beneath a root.
class DiskLayout final : public LayoutSource {
 public:
  /// `root` must outlive it.
  explicit DiskLayout(const files::Root& root) : root_(root) {}

  MarkFacts facts_of(const std::string& path, MarkKind kind) const override;
  std::string find_folder(std::string_view path) const override;
  std::optional<exchange::Day> came_on_disk(const std::string& path) const override;

 private:
  const files::Root& root_;
};

}  // namespace postern::host
