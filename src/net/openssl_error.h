// What OpenSSL has to say of a failure.
#pragma once

#include <string>
#include <string_view>

namespace postern::net {

/// "`doing`: " and the last error of this thread's queue, which is empty afterwards.
std::string openssl_error(std::string_view doing);

}  // namespace postern::net
