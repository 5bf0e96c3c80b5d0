// Commands that need no running server: serve is one, check looks before it.
#pragma once

#include <span>
#include <string_view>

#include "app/command_line.h"

namespace postern::app {

int run_serve(const Arguments& arguments);
int run_check(const Arguments& arguments);

/// Not for people: what a running server calls itself as, to read and build in a process of its own
/// (feeds/build_process.h).
inline constexpr std::string_view kBuildRules = "build-rules";
/// `words` stand behind kBuildRules.
int run_build_rules(std::span<const std::string_view> words);

}  // namespace postern::app
