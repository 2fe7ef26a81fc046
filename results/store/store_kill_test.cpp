#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <csignal>
#include <cstdlib>
#include <random>

#include "results/report/testing/run_samples.hpp"
#include "results/store/disk.hpp"
#include "results/store/store.hpp"

using namespace lab;
using namespace lab::samples;
namespace fs = std::filesystem;

namespace {

/// Kills this process with SIGKILL around its n-th system call: before it, behind it or, where it writes, in
/// the middle of it.
class DeadlyDisk : public Disk {
 public:
  explicit DeadlyDisk(int nth, double part) : nth_(nth), part_(part) {}

  ssize_t write(int fd, const void* data, std::size_t size) override {
    constexpr std::size_t kPiece = 200;
    size = std::min(size, kPiece);
    if (--nth_ > 0) return Disk::write(fd, data, size);
    Disk::write(fd, data, static_cast<std::size_t>(part_ * static_cast<double>(size)));
    die();
    return -1;
  }
  int fsync(int /*fd*/) override {
    if (--nth_ <= 0) die();
    return 0;
  }
  int rename(const char* from, const char* to, unsigned flags) override {
    if (--nth_ > 0) return Disk::rename(from, to, flags);
    if (part_ >= 0.5) Disk::rename(from, to, flags);
    die();
    return -1;
  }

 private:
  static void die() { ::raise(SIGKILL); }

  int nth_;
  double part_;
};

/// A run whose second repetition goes to requests.bin, or whose both stand in lines.
Result<fs::path> write_run(const fs::path& folder, bool exact, bool in_blocks, Disk* disk) {
  RunWriter writer = RunWriter::create(folder, exact, header(), {in_blocks ? 3U : 100U, disk}).value();
  writer.add(repetition(1, 2, 4));
  writer.add(repetition(2, 5, 4));
  return writer.finish({true, "", "", {}});
}

/// Whether the writer was killed before its end.
bool is_killed(const fs::path& folder, bool exact, bool in_blocks, int nth, double part) {
  const pid_t child = ::fork();
  if (child == 0) {
    DeadlyDisk disk(nth, part);
    ::_exit(write_run(folder, exact, in_blocks, &disk).has_value() ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK((WIFSIGNALED(status) || WEXITSTATUS(status) == 0));
  return WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

bool is_whole(const fs::path& folder) {
  const Run run = read_run(folder).value();
  return run.damage.empty() && run.summary.complete && run.repetitions.size() == 2 &&
         same(run.repetitions[0], repetition(1, 2, 4)) && same(run.repetitions[1], repetition(2, 5, 4));
}

/// What the killed writer left under its temporary name: repetitions that it wrote to their end are read.
void check_left_over(const fs::path& folder) {
  const Result<Run> run = read_run(folder);
  if (!run) return;                                    // not even its header
  if (run->summary.complete) CHECK(is_whole(folder));  // it lacks its name alone
  for (const RunRepetition& one : run->repetitions) {
    if (one.number == 2 && !run->damage.empty()) continue;
    CHECK((one.records.size() < 2 || same(one.records[0], repetition(one.number, 5, 0).records[0])));
  }
}

}  // namespace

TEST_CASE(
    "Wherever a writer is killed its run is there whole or not at all, and the next one can be written") {
  const bool exact = GENERATE(false, true);
  const bool in_blocks = GENERATE(false, true);
  const int points = (std::getenv("LAB_FULL") != nullptr ? 1000 : 100) / 4 / LAB_TEST_DIVISOR;
  std::mt19937 random(19);
  int calls = 0;
  for (bool killed = true; killed; ++calls) {
    const ScratchFolder counted;
    killed = is_killed(counted.path(), false, in_blocks, calls + 1, 0);
  }
  for (int point = 0; point < points; ++point) {
    const int nth = 1 + static_cast<int>(random() % static_cast<unsigned>(calls));
    const double part = static_cast<double>(random() % 100) / 100;
    INFO("call " << nth << ", " << part << " of it");
    const ScratchFolder folder;
    const fs::path older = write_run(folder.path(), false, true, nullptr).value();
    const std::string before = bytes_of(older / "run.jsonl") + bytes_of(older / "requests.bin");
    const fs::path target = exact ? folder.path() / "mine" : folder.path();
    if (exact) fs::create_directory(target);

    const bool killed = is_killed(target, exact, in_blocks, nth, part);
    CHECK(bytes_of(older / "run.jsonl") + bytes_of(older / "requests.bin") == before);
    for (const fs::directory_entry& entry : fs::directory_iterator(folder.path())) {
      if (entry.path() == older) continue;
      const bool temporary = entry.path().filename().string().starts_with(".incomplete");
      if (temporary) check_left_over(entry.path());
      if (!temporary && fs::exists(entry.path() / "run.jsonl")) CHECK(is_whole(entry.path()));
      if (!killed) CHECK_FALSE(temporary);
    }
    if (exact && fs::exists(target / "run.jsonl")) continue;
    // Nothing of the killed one gets into the next.
    const Result<fs::path> next = write_run(target, exact, random() % 2 == 0, nullptr);
    REQUIRE(next.has_value());
    CHECK(is_whole(*next));
  }
}
