// Paths beneath a root: octets as the file system has them, '/' between names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace postern::files {

/// Windows allows 32,767 UTF-16 units, each at most three octets of UTF-8.
inline constexpr std::size_t kMaxPathOctets = 98'304;

/// Refuses what is no path beneath a root: a leading or trailing '/', an empty name, "." and "..",
/// a NUL, or too many octets. "" is the root itself. All other octets are a name's own.
Result<void> check_path(std::string_view path);

/// `folder`/`name`, or `name` where `folder` is the root.
std::string joined(std::string_view folder, std::string_view name);

/// "a/b" of "a/b/c"; "" of "c".
std::string_view folder_of(std::string_view path);
/// "c" of "a/b/c".
std::string_view name_of(std::string_view path);

/// The names of a path, from the root on; views into it. None for the root.
std::vector<std::string_view> names_of(std::string_view path);

/// Whether Windows takes the two names for one. Only letters of ASCII are folded: the names that
/// a program looks for are made of these.
bool equal_ignoring_case(std::string_view left, std::string_view right);

}  // namespace postern::files
