// One value of the file, read as the kind its option asks for.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/options.h"
#include "config/yaml.h"

namespace postern::config {

/// Reads `node` as `spec` says; what is wrong with it goes to `problems` under `path`, and then
/// there is no value.
std::optional<Value> read_value(const Spec& spec, const Node& node, const std::string& path,
                                Problems& problems);

/// Puts `folder` before relative paths, where `kind` is of paths and the folder is known.
void place_in(std::string_view folder, Kind kind, Value& value);

/// "a|b|c" in parts.
std::vector<std::string_view> choices_of(const Spec& spec);

/// True for [a-z0-9][a-z0-9._-]{0,31}.
bool is_label(std::string_view text);

}  // namespace postern::config
