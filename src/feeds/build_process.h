// A process that does one piece of build work and ends: its memory goes back whole, what it trips
// over ends nobody else, and it is confined to what it was given.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>

#include "base/file_descriptor.h"
#include "base/result.h"
#include "feeds/build_command.h"
#include "feeds/build_orders.h"
#include "feeds/shared_memory.h"

namespace postern::feeds {

/// The descriptor of the process that was started, from which its order comes.
inline constexpr int kBuildSocket = 3;

/// Starts the command, hands it the order and the inputs, and waits for it to end; a caller who
/// sets `cancelled` waits no longer than a tenth of a second more. The product is what it wrote,
/// and not yet believed. Errors: the outcome's; `unavailable` where the process could not be
/// started, was cancelled, or came to a bad end.
Result<ReadFacts> run_build(const BuildCommand& command, OctetView order,
                            std::span<const SharedMemory* const> inputs,
                            const SharedMemory& product, const std::atomic<bool>& cancelled);

/// The other end: takes an order from the socket, carries it out, and gives the process's exit
/// code. For a process of one thread that does nothing else: it confines itself (confinement.h).
int run_build_process(FileDescriptor socket, std::uint64_t max_memory);

}  // namespace postern::feeds
