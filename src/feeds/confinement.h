// What a process that reads hostile texts gives up before it begins.
#pragma once

#include <cstdint>

namespace postern::feeds {

/// For good, and for a process of one thread that needs nothing but memory and the descriptors that
/// it has: less of the processor than who answers queries, a bound on its time, the first to go
/// when memory is short, no more than `max_memory` octets (0: no bound), and of all system calls
/// those that read and write what is open and get memory; the rest fail with EPERM (seccomp(2)).
/// So it opens no file and no socket, starts nothing, runs no octets that it has written, and
/// reaches no other process.
void confine(std::uint64_t max_memory);

}  // namespace postern::feeds
