// Process: what the program asks of the kernel and of systemd about itself.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/file_descriptor.h"
#include "base/ip.h"
#include "base/result.h"

namespace postern::app {

/// Makes the folder and those above it. A folder that we make is for us alone (0700); one that was
/// there keeps its mode.
Result<void> make_state_dir(const std::string& path);

/// Takes the folder for this process: while the descriptor lives, no other process gets it. The
/// error of root, which may not use what is others' once `drop_root_capabilities` was called, says
/// so.
Result<FileDescriptor> lock_state_dir(const std::string& path);

/// Open files up to the hard limit: each TCP connection is one.
void raise_file_limit();

/// No program that this process starts can gain privileges. Before the first thread.
void forbid_new_privileges();

/// Works as `user` from here on, with CAP_NET_BIND_SERVICE as the only capability kept, for ports
/// under 1024; `become_user_for_good` ends that too. The state folder and what is in it are given
/// to the user first: an empty folder, or one that holds our lock; any other must be the user's
/// already, so that a slip like `--state-dir /var/lib` hands nothing over. Only root can; before
/// the first thread.
Result<void> work_as_user(const std::string& user, const std::string& state_dir);
/// For root that stays root: every capability but CAP_NET_BIND_SERVICE goes, so that a flaw does
/// not give the whole machine away. Before the first thread.
Result<void> drop_root_capabilities();
/// Of `paths`, those that are there and that this process may not read: what a reload, or a feed,
/// will fail on once root's rights are gone. "" in `paths` is passed over.
std::vector<std::string> unreadable(const std::vector<std::string>& paths);
/// "alice", or the number of a user without a name; of the user that `path` belongs to, links
/// followed. "" where it is not there.
std::string owner_of(const std::string& path);
/// Gives up the way back to root and every capability, on all threads.
Result<void> become_user_for_good(const std::string& user);

/// SIGTERM, SIGINT and SIGHUP as something to wait for; blocks them. Before the first thread.
class Signals {
 public:
  enum class Event { stop, reload };
  static Result<Signals> take_over();
  Event wait() const;

 private:
  explicit Signals(FileDescriptor fd) : fd_(std::move(fd)) {}
  FileDescriptor fd_;
};

/// sd_notify(3); nothing where systemd does not wait for it.
void tell_systemd_ready(const std::string& status);
void tell_systemd_reloading();
void tell_systemd_stopping();

/// Whether ::1 can be bound: not on a machine whose IPv6 is off.
bool has_ipv6_loopback();

/// Random octets from the kernel.
Result<std::uint64_t> random_seed();

/// Octets of memory that the machine has; 0 where it does not say.
std::uint64_t machine_memory();

/// Version, size and time of the program's own file: another build has another.
std::string program_id();

}  // namespace postern::app
