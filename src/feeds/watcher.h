// Watcher: tells which files have changed and come to rest.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <sys/inotify.h>

#include "base/file_descriptor.h"
#include "base/time.h"

namespace postern::feeds {

/// Watches the folders of files, so that a file replaced by renaming or made later is seen as well
/// as one written in place. Of a folder that is itself made later or replaced, and of what a
/// symbolic link leads to, nothing is heard until `watch` is called again: the owner does so now
/// and then, and looks at the files himself. One thread.
class Watcher {
 public:
  /// A file is at rest when nothing was heard of it for this long…
  static constexpr milliseconds kSettle{200};
  /// …or, if it never is, after this long.
  static constexpr milliseconds kPatience{2000};

  Watcher();

  /// To poll for input; -1 where the system offers no watching: files are then only looked at
  /// when they are due.
  int fd() const { return inotify_.get(); }
  /// Replaces the list of files. Folders that cannot be watched (yet) are tried at each call.
  void watch(const std::vector<std::string>& paths);
  /// True, once, after a folder that was watched has gone or moved: it is time to call `watch`.
  bool take_lost_folder() { return std::exchange(lost_folder_, false); }
  /// The file was found changed otherwise.
  void note(const std::string& path, MonoTime now);
  /// Takes in what the system has to say.
  void read_events(MonoTime now);
  /// The files that have changed and are at rest, each once.
  std::vector<std::string> take_settled(MonoTime now);
  /// When `take_settled` has something next, if nothing more happens.
  std::optional<MonoTime> next_settled() const;

 private:
  struct Unrest {
    MonoTime first;
    MonoTime last;
    MonoTime settled() const;
  };
  using NamesToPaths = std::multimap<std::string, std::string>;

  void take_in(const inotify_event& event, const std::string& name, MonoTime now);

  FileDescriptor inotify_;
  std::map<std::string, NamesToPaths> folders_;  // Folder → file name → path as given.
  std::map<int, std::string> watches_;           // Watch descriptor → folder.
  std::map<std::string, Unrest> unrest_;
  bool lost_folder_ = false;
};

}  // namespace postern::feeds
