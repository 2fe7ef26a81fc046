#include "lab/core/temporary.hpp"

#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <csignal>
#include <string>
#include <utility>

using namespace lab;
namespace fs = std::filesystem;

namespace {

TemporaryFolder made(const char* kind = "lab-files") {
  auto folder = TemporaryFolder::create(kind);
  REQUIRE(folder.has_value());
  return std::move(*folder);
}

/// What a process made that has ended, while another one lives on with the lock: as seen from a container
/// that does not know the pids of the other one.
class Elsewhere {
 public:
  Elsewhere() {
    int reported[2];
    int life[2];
    REQUIRE(pipe(reported) == 0);
    REQUIRE(pipe(life) == 0);
    const pid_t child = fork();
    if (child == 0) {
      auto folder = TemporaryFolder::create("lab-servers");
      const std::string path = folder ? folder->path().string() : "";
      [[maybe_unused]] const ssize_t written = write(reported[1], path.data(), path.size());
      if (fork() > 0) _exit(0);
      char byte = 0;
      close(life[1]);
      [[maybe_unused]] const ssize_t ended = read(life[0], &byte, 1);
      _exit(0);
    }
    waitpid(child, nullptr, 0);
    close(life[0]);
    close(reported[1]);
    life_ = life[1];
    reported_ = reported[0];
    char path[4096];
    const ssize_t size = read(reported_, path, sizeof path);
    REQUIRE(size > 0);
    path_ = std::string(path, static_cast<std::size_t>(size));
  }
  Elsewhere(const Elsewhere&) = delete;
  Elsewhere& operator=(const Elsewhere&) = delete;
  ~Elsewhere() { end(); }

  const fs::path& path() const { return path_; }
  void end() {
    if (life_ < 0) return;
    close(std::exchange(life_, -1));
    char byte = 0;
    [[maybe_unused]] const ssize_t closed = read(reported_, &byte, 1);  // its end: it has gone
    close(reported_);
  }

 private:
  int life_ = -1, reported_ = -1;
  fs::path path_;
};

}  // namespace

TEST_CASE(
    "a temporary folder whose lock is held is kept, also where its process is not known; later it goes") {
  Elsewhere elsewhere;
  const TemporaryFolder ours = made();
  CHECK(fs::exists(elsewhere.path()));
  elsewhere.end();
  const TemporaryFolder next = made();
  CHECK_FALSE(fs::exists(elsewhere.path()));
  CHECK(fs::exists(ours.path()));
}

TEST_CASE("a temporary folder goes with its object, and moves with it") {
  fs::path path;
  {
    TemporaryFolder folder = made();
    path = folder.path();
    const TemporaryFolder moved = std::move(folder);
    const TemporaryFolder next = made();
    CHECK(fs::exists(path));
  }
  CHECK_FALSE(fs::exists(path));
}
