// What a scheduled task does: F-13, and the tasks of F-12.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/octets.h"
#include "base/result.h"
#include "exchange/finding.h"

namespace postern::exchange {

/// A task as its file has it.
struct Task {
  struct Action {
    std::string command, arguments;
  };
  std::vector<Action> actions;
  std::string author, user, created;  ///< As written; `created` "2021-03-02T01:02:03".
  bool hidden = false;
  bool enabled = true;
};

/// Reads a task's XML: UTF-16 with a mark, or UTF-8.
Result<Task> read_task(OctetView octets);

/// What speaks against a task; empty where nothing does. `path` is the file's, `exposed_from` the
/// first day on which the server was open ("2021-01-03"; empty where not known).
std::vector<Finding> check_task(std::string_view path, const Task& task,
                                std::string_view exposed_from);

}  // namespace postern::exchange
