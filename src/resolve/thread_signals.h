// Signals belong to the main thread: the resolvers' threads take none.
#pragma once

namespace postern::resolve {

/// Blocks all signals for the calling thread. SIGPIPE too, so that writing to a connection that
/// the peer has closed is an error code and no more.
void block_all_signals();

}  // namespace postern::resolve
