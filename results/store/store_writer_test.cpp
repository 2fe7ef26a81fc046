#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <utility>

#include "results/report/testing/run_samples.hpp"
#include "results/store/disk.hpp"
#include "results/store/store.hpp"

using namespace lab;
using namespace lab::samples;
namespace fs = std::filesystem;

namespace {

enum class Call { write, fsync, rename };

/// Fails one kind of call from the n-th on, as a full or dying disk does; writes come in small pieces.
class FailingDisk : public Disk {
 public:
  FailingDisk(Call call, int nth, int error_number) : call_(call), nth_(nth), error_number_(error_number) {}

  ssize_t write(int fd, const void* data, std::size_t size) override {
    return fails(Call::write) ? -1 : Disk::write(fd, data, std::min<std::size_t>(size, 700));
  }
  int fsync(int /*fd*/) override { return fails(Call::fsync) ? -1 : 0; }
  int rename(const char* from, const char* to, unsigned flags) override {
    return fails(Call::rename) ? -1 : Disk::rename(from, to, flags);
  }
  bool failed() const { return failed_; }

 private:
  bool fails(Call call) {
    if (call != call_ || --nth_ > 0) return false;
    failed_ = true;
    errno = error_number_;
    return true;
  }

  Call call_;
  int nth_;
  int error_number_;
  bool failed_ = false;
};

Result<fs::path> record(const fs::path& folder, bool exact, Disk* disk) {
  RunWriter writer = RunWriter::create(folder, exact, header(), {3, disk}).value();
  writer.add(repetition(1, 2, 4));
  writer.add(repetition(2, 5, 4));
  return writer.finish({true, "", "", {}});
}

std::vector<fs::path> unfinished(const fs::path& folder) {
  std::vector<fs::path> found;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().filename().string().starts_with(".incomplete-")) found.push_back(entry.path());
  }
  return found;
}

/// As of a network file system that has no RENAME_NOREPLACE.
class PlainRenameDisk : public Disk {
 public:
  int rename(const char* from, const char* to, unsigned flags) override {
    if (flags == 0) return Disk::rename(from, to, flags);
    errno = EINVAL;
    return -1;
  }
};

/// Runs `body` in a child process; its exit code, or 128 + the signal that ended it.
template <class Body>
int in_child(Body body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

TEST_CASE("Whichever write, sync or rename fails, no torn file is left and older runs are as they were") {
  const auto [call, error_number] = GENERATE(std::pair(Call::write, ENOSPC), std::pair(Call::write, EIO),
                                             std::pair(Call::fsync, EIO), std::pair(Call::rename, EROFS));
  const bool exact = GENERATE(false, true);
  const ScratchFolder folder;
  const fs::path target = exact ? folder.path() / "mine" : folder.path();
  const fs::path older = record(folder.path(), false, nullptr).value();
  const std::string before = bytes_of(older / "run.jsonl");
  if (exact) fs::create_directory(target);
  const std::size_t entries = folder.entries();

  bool reached_the_end = false;
  for (int nth = 1; !reached_the_end; ++nth) {
    FailingDisk disk(call, nth, error_number);
    const Result<fs::path> finished = record(target, exact, &disk);
    reached_the_end = !disk.failed();
    INFO("call " << nth);
    CHECK(finished.has_value() == reached_the_end);
    CHECK(bytes_of(older / "run.jsonl") == before);
    if (reached_the_end) break;
    CHECK(finished.error().kind == ErrorKind::environment);
    CHECK(finished.error().message.find(std::generic_category().message(error_number)) != std::string::npos);
    if (finished.error().message.find("is whole") != std::string::npos) {
      // Only the last sync, of the folder that holds the run, comes after the run has its name.
      const std::vector<RunListing> runs = list_runs(folder.path()).value();
      CHECK(call == Call::fsync);
      const fs::path whole = exact ? target : runs.front().path;
      CHECK(read_run(whole).value().damage.empty());
      if (exact) {
        fs::remove(target / "run.jsonl");
        fs::remove(target / "requests.bin");
      } else {
        fs::remove_all(whole);
      }
    }
    CHECK(finished.error().message.find("run.jsonl.") == std::string::npos);
    for (const fs::path& left : unfinished(exact && fs::is_directory(target) ? target : folder.path())) {
      const Run kept = read_run(left).value();
      CHECK(finished.error().message.find(left.string()) != std::string::npos);
      REQUIRE_FALSE(kept.repetitions.empty());
      CHECK(same(kept.repetitions[0], repetition(1, 2, 4)));
      if (kept.repetitions.size() > 1) CHECK(same(kept.repetitions[1], repetition(2, 5, 4)));
      // A disk that takes nothing more does not take the reason either.
      if (!kept.damage.empty())
        CHECK(kept.damage == std::vector<std::string>{"run.jsonl: the summary is missing"});
      fs::remove_all(left);
    }
    CHECK(folder.entries() == entries);
    if (exact) CHECK(fs::is_empty(target));
  }
}

TEST_CASE("What a full disk took whole stays as a run that says why it is not complete") {
  const ScratchFolder folder;
  const int code = in_child([&folder] {
    const rlimit limit{20'000, 20'000};  // room for two repetitions of about 7 KB
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    RunWriter writer = RunWriter::create(folder.path(), false, header()).value();
    for (int number = 1; number < 5; ++number) writer.add(repetition(number, 20, 20));
    return writer.finish({true, "", "", {}}) ? 2 : 0;
  });
  CHECK(code == 0);
  const std::vector<RunListing> runs = list_runs(folder.path()).value();
  REQUIRE(runs.size() == 1);
  CHECK_FALSE(runs[0].summary.complete);
  CHECK(runs[0].summary.reason.find("File too large") != std::string::npos);
  const Run run = read_run(runs[0].path).value();
  CHECK(run.damage.empty());
  REQUIRE(run.repetitions.size() == 2);
  CHECK(same(run.repetitions[1], repetition(2, 20, 20)));
}

TEST_CASE("A file size limit stops the recording, not the program") {
  const ScratchFolder folder;
  const int code = in_child([&folder] {
    const rlimit limit{2048, 2048};
    if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return 1;
    RunWriter writer = RunWriter::create(folder.path(), false, header()).value();
    for (int number = 1; number < 5; ++number) writer.add(repetition(number, 20, 20));
    const Result<fs::path> finished = writer.finish({true, "", "", {}});
    if (finished) return 2;
    return finished.error().message.find("File too large") != std::string::npos ? 0 : 3;
  });
  CHECK(code == 0);
  CHECK(folder.entries() == 0);
}

TEST_CASE(
    "Of two runs into one existing folder the first stays as it is, and the second says why it is not kept") {
  const bool knows_flag = GENERATE(true, false);
  const auto [first_lines, second_lines] =
      GENERATE(std::pair(std::size_t{1}, std::size_t{1}), std::pair(std::size_t{1}, std::size_t{100}),
               std::pair(std::size_t{100}, std::size_t{1}), std::pair(std::size_t{100}, std::size_t{100}));
  INFO(knows_flag << " " << first_lines << " " << second_lines);
  const ScratchFolder folder;
  PlainRenameDisk plain;
  Disk* const disk = knows_flag ? nullptr : &plain;
  RunWriter first = RunWriter::create(folder.path(), true, header(), {first_lines, disk}).value();
  RunWriter second = RunWriter::create(folder.path(), true, header("other"), {second_lines, disk}).value();
  first.add(repetition(1, 5, 5));
  second.add(repetition(2, 6, 6));
  REQUIRE(first.finish({true, "", "", {}}).has_value());
  const Result<fs::path> refused = second.finish({true, "", "", {}});
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message.find("--save") != std::string::npos);
  const Run run = read_run(folder.path()).value();
  CHECK(run.damage.empty());
  CHECK(run.header.scenario == "blocking-async");
  REQUIRE(run.repetitions.size() == 1);
  CHECK(same(run.repetitions[0], repetition(1, 5, 5)));
  REQUIRE(unfinished(folder.path()).size() == 1);  // the second one's, which is whole but for its name
  CHECK(same(read_run(unfinished(folder.path())[0]).value().repetitions.at(0), repetition(2, 6, 6)));
  CHECK(folder.entries() == (first_lines == 1 ? 3 : 2));
}

TEST_CASE("A writer that is given up leaves what it has whole, and nothing where that is nothing") {
  const ScratchFolder folder;
  { RunWriter::create(folder.path(), false, header(), {1, nullptr}).value(); }
  CHECK(folder.entries() == 0);
  {
    RunWriter writer = RunWriter::create(folder.path(), false, header(), {1, nullptr}).value();
    writer.add(repetition(1, 5, 5));
    RunWriter moved = std::move(writer);
  }
  const std::vector<RunListing> runs = list_runs(folder.path()).value();
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].summary.reason == "it was given up before its end");
  CHECK(same(read_run(runs[0].path).value().repetitions.at(0), repetition(1, 5, 5)));
}

TEST_CASE("A child that unwinds its copy of the writer does not remove the parent's run") {
  const ScratchFolder folder;
  RunWriter writer = RunWriter::create(folder.path(), false, header()).value();
  writer.add(repetition(1, 2, 2));
  CHECK(in_child([&writer] {
          { const RunWriter gone = std::move(writer); }
          return 0;
        }) == 0);
  writer.add(repetition(2, 2, 2));
  CHECK(read_run(writer.finish({true, "", "", {}}).value()).value().repetitions.size() == 2);
}

TEST_CASE("What was added survives a killed writer") {
  const ScratchFolder folder;
  const int code = in_child([&folder] {
    RunWriter writer = RunWriter::create(folder.path(), false, header(), {3, nullptr}).value();
    writer.add(repetition(1, 3, 7));
    writer.add(repetition(2, 9, 9));
    ::raise(SIGKILL);
    return 0;
  });
  CHECK(code == 128 + SIGKILL);
  const std::vector<RunListing> runs = list_runs(folder.path()).value();
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].problem == "its writer was killed");
  const Run run = read_run(runs[0].path).value();
  CHECK_FALSE(run.summary.complete);
  REQUIRE(run.repetitions.size() == 2);
  CHECK(same(run.repetitions[0], repetition(1, 3, 7)));
  CHECK(same(run.repetitions[1], repetition(2, 9, 9)));
}
