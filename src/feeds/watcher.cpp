#include "feeds/watcher.h"

#include <algorithm>
#include <cstddef>
#include <cstring>

#include <unistd.h>

namespace postern::feeds {
namespace {

constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MODIFY | IN_MOVED_TO | IN_MOVED_FROM |
                                  IN_CREATE | IN_DELETE | IN_MOVE_SELF | IN_ONLYDIR;

}  // namespace

Watcher::Watcher() : inotify_(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC)) {}

MonoTime Watcher::Unrest::settled() const {
  return std::min(last + kSettle, first + kPatience);
}

void Watcher::watch(const std::vector<std::string>& paths) {
  folders_.clear();
  for (const std::string& path : paths) {
    const std::size_t slash = path.rfind('/');
    const std::string folder = slash == std::string::npos ? "." : path.substr(0, slash + 1);
    folders_[folder].emplace(slash == std::string::npos ? path : path.substr(slash + 1), path);
  }
  if (!inotify_) return;
  std::erase_if(watches_, [this](const auto& watch) {
    if (folders_.contains(watch.second)) return false;
    ::inotify_rm_watch(inotify_.get(), watch.first);
    return true;
  });
  for (const auto& [folder, names] : folders_) {
    // For a folder that is watched already this gives the same descriptor again.
    const int watch = ::inotify_add_watch(inotify_.get(), folder.c_str(), kEvents);
    if (watch < 0) continue;
    // Another folder may have taken its place, or a link lead elsewhere now.
    std::erase_if(watches_, [&](const auto& other) {
      if (other.first == watch || other.second != folder) return false;
      ::inotify_rm_watch(inotify_.get(), other.first);
      return true;
    });
    watches_[watch] = folder;
  }
}

void Watcher::note(const std::string& path, MonoTime now) {
  unrest_.try_emplace(path, Unrest{now, now}).first->second.last = now;
}

void Watcher::take_in(const inotify_event& event, const std::string& name, MonoTime now) {
  const bool lost_count = (event.mask & IN_Q_OVERFLOW) != 0;  // Anything may have happened.
  // A watch that is let go of on purpose is not among them any more.
  const bool has_moved = (event.mask & IN_MOVE_SELF) != 0 && watches_.contains(event.wd);
  if (has_moved) ::inotify_rm_watch(inotify_.get(), event.wd);
  if (has_moved || (event.mask & IN_IGNORED) != 0) lost_folder_ |= watches_.erase(event.wd) > 0;
  const auto watch = watches_.find(event.wd);
  for (const auto& [folder, names] : folders_) {
    if (!lost_count && (watch == watches_.end() || watch->second != folder)) continue;
    for (const auto& [file, path] : names) {
      if (lost_count || file == name) note(path, now);
    }
  }
}

void Watcher::read_events(MonoTime now) {
  alignas(inotify_event) char buffer[16 * 1024];
  for (;;) {
    const ssize_t size = ::read(inotify_.get(), buffer, sizeof buffer);
    if (size <= 0) return;
    for (std::size_t at = 0; at + sizeof(inotify_event) <= static_cast<std::size_t>(size);) {
      inotify_event event;
      std::memcpy(&event, buffer + at, sizeof event);
      // The name is padded with NULs.
      take_in(event, event.len > 0 ? buffer + at + sizeof event : "", now);
      at += sizeof event + event.len;
    }
  }
}

std::vector<std::string> Watcher::take_settled(MonoTime now) {
  std::vector<std::string> paths;
  std::erase_if(unrest_, [&](const auto& entry) {
    if (entry.second.settled() > now) return false;
    paths.push_back(entry.first);
    return true;
  });
  return paths;
}

std::optional<MonoTime> Watcher::next_settled() const {
  std::optional<MonoTime> next;
  for (const auto& [path, unrest] : unrest_) {
    next = next ? std::min(*next, unrest.settled()) : unrest.settled();
  }
  return next;
}

}  // namespace postern::feeds
