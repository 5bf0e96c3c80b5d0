// What the tests of feeds share: a scratch folder, a web server, waiting for something to be so.
#pragma once

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>

#include <gtest/gtest.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/guarded.h"
#include "base/log.h"
#include "feeds/shared_memory.h"

namespace postern::feeds::testing {

inline SharedMemory in_memory(std::string_view text) {
  return SharedMemory::of(octets_of(text)).value();
}

/// A folder that goes with the object.
class ScratchFolder {
 public:
  ScratchFolder() {
    std::string pattern = (std::filesystem::temp_directory_path() / "postern-XXXXXX").string();
    path_ = ::mkdtemp(pattern.data());
  }
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;
  ~ScratchFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  std::string file(std::string_view name) const { return path_ + "/" + std::string(name); }
  const std::string& path() const { return path_; }

  void write(std::string_view name, std::string_view text) const {
    std::ofstream(file(name), std::ios::binary) << text;
  }
  /// Beside it first, then renamed, so that no reader sees half of it.
  void replace(std::string_view name, std::string_view text) const {
    write(std::string(name) + "~", text);
    std::filesystem::rename(file(std::string(name) + "~"), file(name));
  }
  std::string read(std::string_view name) const {
    std::ifstream in(file(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
  }

 private:
  std::string path_;
};

/// True as soon as `holds()` is; false if it is not within 20 s.
template <class Holds>
bool eventually(Holds holds) {
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > deadline) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

/// test_server.py as a child, over the folder `files`.
class WebServer {
 public:
  WebServer() {
    // A proxy of the machine's must not come between.
    for (const char* name : {"http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"})
      ::unsetenv(name);
    int in[2];
    int out[2];
    if (::pipe(in) != 0 || ::pipe(out) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    posix_spawn_file_actions_addclose(&actions, in[1]);
    posix_spawn_file_actions_addclose(&actions, out[0]);
    std::string python = "/usr/bin/python3";
    std::string script = POSTERN_SOURCE_DIR "/src/feeds/test_server.py";
    std::string folder = files.path();
    char* arguments[] = {python.data(), script.data(), folder.data(), nullptr};
    ::posix_spawn(&child_, python.c_str(), &actions, nullptr, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    ::close(in[0]);
    ::close(out[1]);
    stdin_ = in[1];
    char c = 0;
    while (::read(out[0], &c, 1) == 1 && c != '\n') port_ += c;
    ::close(out[0]);
  }
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;
  ~WebServer() {
    ::close(stdin_);  // It ends by itself; if not, it is made to.
    if (child_ > 0 && !eventually([this] { return ::waitpid(child_, nullptr, WNOHANG) != 0; })) {
      ::kill(child_, SIGKILL);
      ::waitpid(child_, nullptr, 0);
    }
  }

  std::string url(std::string_view path) const {
    return "http://127.0.0.1:" + port_ + "/" + std::string(path);
  }
  const std::string& port() const { return port_; }
  /// "/feed 200\n/feed 304\n": what was asked and answered.
  std::string requests() const { return files.read("requests"); }

  ScratchFolder files;

 private:
  pid_t child_ = -1;
  int stdin_ = -1;
  std::string port_;
};

class RecordingLog final : public Log {
 public:
  void write(LogLevel level, std::string_view, std::string_view text) override {
    text_.with([&](std::string& all) {
      all += to_string(level);
      all += ": ";
      all += text;
      all += "\n";
    });
  }
  std::string text() const { return text_.copy(); }

 private:
  Guarded<std::string> text_;
};

/// `count` lines "PREFIX0.example", "PREFIX1.example", …
inline std::string list(int count, std::string_view prefix = "bad") {
  std::string text;
  for (int i = 0; i < count; ++i) {
    text += std::string(prefix) + std::to_string(i) + ".example\n";
  }
  return text;
}

}  // namespace postern::feeds::testing
