// What every thread but the main one does first.
#pragma once

namespace postern {

/// Blocks all signals for the calling thread, for they belong to the main one (SIGPIPE too, so
/// that writing to a connection that the peer has closed is an error code and no more), and
/// names it `name`, at most 15 octets, for `top -H` and debuggers.
void enter_thread(const char* name);

}  // namespace postern
