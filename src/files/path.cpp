#include "files/path.h"

#include <algorithm>

namespace postern::files {
namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

}  // namespace

Result<void> check_path(std::string_view path) {
  if (path.size() > kMaxPathOctets) return fail(Errc::invalid_input, "the path is too long");
  if (path.find('\0') != std::string_view::npos) {
    return fail(Errc::invalid_input, "a path holds no NUL");
  }
  if (path.empty()) return {};
  if (path.front() == '/') return fail(Errc::invalid_input, "the path does not begin at the root");
  for (const std::string_view name : names_of(path)) {
    if (name.empty() || name == "." || name == "..") {
      return fail(Errc::invalid_input, "the path holds an empty name, \".\" or \"..\"");
    }
  }
  return {};
}

std::string joined(std::string_view folder, std::string_view name) {
  std::string path;
  path.reserve(folder.size() + 1 + name.size());
  path = folder;
  if (!path.empty() && !name.empty()) path += '/';
  return path += name;
}

std::string_view folder_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? std::string_view() : path.substr(0, slash);
}

std::string_view name_of(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::vector<std::string_view> names_of(std::string_view path) {
  std::vector<std::string_view> names;
  if (path.empty()) return names;
  for (std::size_t at = 0;;) {
    const std::size_t slash = path.find('/', at);
    names.push_back(path.substr(at, slash - at));
    if (slash == std::string_view::npos) return names;
    at = slash + 1;
  }
}

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, [](char a, char b) { return lower(a) == lower(b); });
}

}  // namespace postern::files
