// References: what in a tree names a file, and so breaks when that is taken away.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "files/root.h"

namespace postern::evidence {

/// Looks into what configures a Windows web server: the web.config files of the file's folder and
/// of those above, IIS's own configuration, and scheduled tasks. A file is named there by its own
/// name, in either case, ASCII or UTF-16. Used by one thread; the root outlives it.
class References {
 public:
  /// Of one configuration file, and of all of them, no more is read.
  static constexpr std::size_t kMaxFileOctets = 4U << 20;
  static constexpr std::size_t kMaxAllOctets = 128U << 20;
  static constexpr std::size_t kMaxTasks = 4000;

  explicit References(const files::Root& root) : root_(root) {}

  /// A sentence each, with the path and the line of what names it.
  std::vector<std::string> what_breaks_without(const std::string& path);

 private:
  void read_fixed_places();
  const std::string* text_of_file(const std::string& path);

  const files::Root& root_;
  bool has_read_fixed_places_ = false;
  std::vector<std::string> fixed_places_;
  std::map<std::string, std::string> texts_;  // By path; lower case, UTF-16 made plain.
  std::size_t held_octets_ = 0;
};

/// The lines, from 1, on which `text` names `name` as a whole; both in lower case. At most ten.
std::vector<std::size_t> lines_naming(std::string_view text, std::string_view name);

}  // namespace postern::evidence
