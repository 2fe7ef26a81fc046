#include "results/store/store.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "lab/core/process.hpp"
#include "results/report/testing/run_samples.hpp"

using namespace lab;
using namespace lab::samples;
namespace fs = std::filesystem;

namespace {

/// Sets an environment variable, and puts the old value back.
class Environment {
 public:
  Environment(const char* name, const char* value) : name_(name) {
    if (const char* old = std::getenv(name)) old_ = old;
    set(value);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() { set(old_ ? old_->c_str() : nullptr); }

 private:
  void set(const char* value) {
    if (value == nullptr) {
      ::unsetenv(name_);
    } else {
      ::setenv(name_, value, 1);
    }
  }
  const char* name_;
  std::optional<std::string> old_;
};

fs::path save(const fs::path& folder, bool exact, const RunHeader& head,
              const std::vector<RunRepetition>& repetitions, const StoreOptions& options = {}) {
  RunWriter writer = RunWriter::create(folder, exact, head, options).value();
  for (const RunRepetition& each : repetitions) writer.add(each);
  return writer.finish({true, "", "quiet", {}}).value();
}

}  // namespace

TEST_CASE("A run is read as it was written") {
  const ScratchFolder folder;
  std::vector<RunRepetition> written{repetition(1, 10, 44), repetition(2, 0, 0), repetition(3, 3, 2'345)};
  written[0].killed = {{2, 512}};
  const fs::path path = save(folder.path() / "a" / "runs", false, header(), written);
  CHECK(path == folder.path() / "a" / "runs" / "2026-11-21T09-30-00Z-blocking-async");
  const Run run = read_run(path).value();
  CHECK(run.damage.empty());
  CHECK(same(run.header, header()));
  CHECK(run.summary.complete);
  CHECK(run.summary.noise == "quiet");
  REQUIRE(run.repetitions.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(same(run.repetitions[i], written[i]));
  REQUIRE(run.repetitions[0].killed.value_or(std::vector<Kill>{}).size() == 1);
  CHECK(run.repetitions[0].killed->front().at == 512);
  CHECK_FALSE(run.repetitions[1].killed);
  CHECK_FALSE(fs::exists(path / "requests.bin"));
  CHECK(read_run(path / "run.jsonl").value().repetitions.size() == 3);
}

TEST_CASE("A large repetition goes to requests.bin and comes back the same") {
  const ScratchFolder folder;
  const std::vector<RunRepetition> written{repetition(1, 20, 5), repetition(2, 9'000, 10'001),
                                           repetition(3, 21, 0)};
  const fs::path path = save(folder.path(), false, header(), written, {20, nullptr});
  const Run run = read_run(path).value();
  CHECK(run.damage.empty());
  REQUIRE(run.repetitions.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(same(run.repetitions[i], written[i]));
  CHECK(fs::file_size(path / "requests.bin") ==
        8 + 3 * 24 + 9'000 * 96 + 3 * 24 + 10'001 * 28 + 24 + 21 * 96);
}

TEST_CASE("100,000 requests are lines, one more is a binary file") {
  const ScratchFolder folder;
  CHECK_FALSE(
      fs::exists(save(folder.path(), false, header("lines"), {repetition(1, 100'000, 0)}) / "requests.bin"));
  const fs::path path = save(folder.path(), false, header("blocks"), {repetition(1, 100'001, 0)});
  CHECK(fs::exists(path / "requests.bin"));
  CHECK(same(read_run(path).value().repetitions.at(0), repetition(1, 100'001, 0)));
}

TEST_CASE("A run that was interrupted says why") {
  const ScratchFolder folder;
  RunWriter writer = RunWriter::create(folder.path(), false, header()).value();
  writer.add(repetition(1, 2, 2));
  const Run run = read_run(writer.finish({false, "interrupted", "", {}}).value()).value();
  CHECK_FALSE(run.summary.complete);
  CHECK(run.summary.reason == "interrupted");
  CHECK(run.repetitions.size() == 1);
  CHECK(run.damage.empty());
}

TEST_CASE("Runs of the same second get names of their own") {
  const ScratchFolder folder;
  RunWriter first = RunWriter::create(folder.path(), false, header()).value();
  RunWriter second = RunWriter::create(folder.path(), false, header()).value();
  const fs::path b = second.finish({}).value();
  const fs::path a = first.finish({}).value();
  const fs::path c = save(folder.path(), false, header(), {});
  CHECK(b.filename() == "2026-11-21T09-30-00Z-blocking-async");
  CHECK(a.filename() == "2026-11-21T09-30-00Z-blocking-async-2");
  CHECK(c.filename() == "2026-11-21T09-30-00Z-blocking-async-3");
  const std::vector<RunListing> runs = list_runs(folder.path()).value();
  REQUIRE(runs.size() == 3);
  CHECK(runs[0].path == c);
  CHECK(runs[2].path == b);
}

TEST_CASE("A scenario's name cannot lead out of the folder") {
  const ScratchFolder folder;
  const fs::path path = save(folder.path(), false, header("../../etc/x\ny"), {});
  CHECK(path.parent_path() == folder.path());
  CHECK(read_run(path).value().header.scenario == "../../etc/x\ny");
}

TEST_CASE("--save DIR makes the folder, fills an empty one, and keeps what else is in it") {
  const ScratchFolder folder;
  const fs::path fresh = folder.path() / "new" / "run";
  CHECK(save(fresh, true, header(), {repetition(1, 2, 2)}) == fs::canonical(folder.path()) / "new" / "run");
  CHECK(read_run(fresh).value().repetitions.size() == 1);

  const fs::path existing = folder.path() / "mine";
  fs::create_directory(existing);
  write_bytes(existing / "notes.txt", "keep");
  save(existing / "", true, header(), {repetition(1, 30, 2)}, {20, nullptr});
  CHECK(same(read_run(existing).value().repetitions.at(0), repetition(1, 30, 2)));
  CHECK(bytes_of(existing / "notes.txt") == "keep");
  CHECK(std::distance(fs::directory_iterator(existing), fs::directory_iterator()) == 3);
}

TEST_CASE("--save DIR never overwrites a run") {
  const ScratchFolder folder;
  const fs::path path = folder.path() / "run";
  save(path, true, header(), {});
  const std::string before = bytes_of(path / "run.jsonl");
  const Result<RunWriter> again = RunWriter::create(path, true, header());
  REQUIRE(again.has_error());
  CHECK(again.error().kind == ErrorKind::usage);
  CHECK(again.error().message.find("already holds a run") != std::string::npos);
  CHECK(bytes_of(path / "run.jsonl") == before);
  CHECK(folder.entries() == 1);
}

TEST_CASE("A run whose --save DIR was taken meanwhile is kept under another name") {
  const ScratchFolder folder;
  const fs::path path = folder.path() / "run";
  RunWriter late = RunWriter::create(path, true, header()).value();
  save(path, true, header(), {repetition(1, 1, 0)});
  CHECK(late.finish({}).value().filename() == "run-2");
  CHECK(read_run(path).value().repetitions.size() == 1);
}

TEST_CASE("Where no folder can be made the error names the path, the cause and the fix") {
  const ScratchFolder folder;
  write_bytes(folder.path() / "file", "x");
  for (const bool exact : {false, true}) {
    for (const fs::path& path :
         {folder.path() / "file", folder.path() / "file" / "runs", fs::path("/proc/lab/runs")}) {
      const Result<RunWriter> writer = RunWriter::create(path, exact, header());
      REQUIRE(writer.has_error());
      INFO(writer.error().message);
      CHECK(writer.error().kind == ErrorKind::environment);
      CHECK(writer.error().message.find(path.string()) != std::string::npos);
      CHECK(writer.error().message.find("--no-save") != std::string::npos);
      if (path.string().find("file") != std::string::npos) {
        CHECK(writer.error().message.find("is a file, not a folder") != std::string::npos);
      }
    }
  }
}

TEST_CASE("What is no run is refused with the reason") {
  const ScratchFolder folder;
  CHECK(read_run(folder.path() / "none").error().kind == ErrorKind::usage);
  CHECK(read_run(folder.path()).error().message.find("no run at") != std::string::npos);
  write_bytes(folder.path() / "run.jsonl", "{\"hello\": 1}\n");
  CHECK(read_run(folder.path()).error().message.find("is not a run") != std::string::npos);
  write_bytes(folder.path() / "run.jsonl", "");
  CHECK(read_run(folder.path()).error().message.find("is not a run") != std::string::npos);
  fs::create_directories(folder.path() / "odd" / "run.jsonl");
  CHECK(read_run(folder.path() / "odd").has_error());
}

TEST_CASE("A missing folder of runs is an empty list, a file in its place is an error") {
  const ScratchFolder folder;
  CHECK(list_runs(folder.path() / "none").value().empty());
  write_bytes(folder.path() / "file", "x");
  CHECK(list_runs(folder.path() / "file").error().kind == ErrorKind::environment);
}

TEST_CASE("Runs are listed newest first with what their ends say") {
  const ScratchFolder folder;
  RunHeader old = header("old");
  old.started_utc = "2025-01-01T00:00:00Z";
  save(folder.path(), false, header(), {repetition(1, 200, 3'000), repetition(2, 1, 1)});
  save(folder.path(), false, old, {});
  const std::vector<RunListing> runs = list_runs(folder.path()).value();
  REQUIRE(runs.size() == 2);
  CHECK(runs[0].header.scenario == "blocking-async");
  CHECK(runs[0].repetitions == 2);
  CHECK(runs[0].readable);
  CHECK(runs[0].problem.empty());
  CHECK(runs[0].summary.complete);
  CHECK(runs[0].header.options.size() == 2);
  CHECK(runs[0].header.scenario_source.empty());
  CHECK(runs[1].header.scenario == "old");
  CHECK(runs[1].name == "2025-01-01T00-00-00Z-old");
}

TEST_CASE(
    "The last run, and a scenario's, is the newest complete one, or the newest where none is complete") {
  std::vector<RunListing> runs(4);
  const auto set = [&](std::size_t i, const char* name, const char* scenario, bool complete, bool readable) {
    runs[i].name = name;
    runs[i].header.scenario = scenario;
    runs[i].summary.complete = complete;
    runs[i].readable = readable;
  };
  set(0, ".incomplete-d", "gil", false, true);
  set(1, "c", "gil", true, false);
  set(2, "b", "qr-code", false, true);
  set(3, "a", "gil", true, true);
  CHECK(named_run(runs, "last") == &runs[3]);
  CHECK(named_run(runs, "gil") == &runs[3]);
  CHECK(named_run(runs, "qr-code") == &runs[2]);
  CHECK(named_run(runs, ".incomplete-d") == &runs[0]);
  CHECK(named_run(runs, "c") == &runs[1]);
  CHECK(named_run(runs, "pool-limit") == nullptr);
  runs.pop_back();
  CHECK(named_run(runs, "last") == &runs[0]);
}

TEST_CASE("Damaged runs are listed with the problem, in their place") {
  const ScratchFolder folder;
  const fs::path good = save(folder.path(), false, header("good"), {});
  const fs::path torn = save(folder.path(), false, header("torn"), {repetition(1, 10, 0)});
  std::string bytes = bytes_of(torn / "run.jsonl");
  write_bytes(torn / "run.jsonl", bytes.substr(0, bytes.size() - 5));
  const fs::path headless = save(folder.path(), false, header("headless"), {});
  bytes = bytes_of(headless / "run.jsonl");
  bytes[30] ^= 4;
  write_bytes(headless / "run.jsonl", bytes);
  fs::create_directory(folder.path() / "2020-empty");

  const std::vector<RunListing> runs = list_runs(folder.path()).value();
  REQUIRE(runs.size() == 4);
  for (const RunListing& run : runs) {
    INFO(run.name << ": " << run.problem);
    CHECK(run.readable == (run.path == good || run.path == torn));
    CHECK(run.problem.empty() == (run.path == good));
    CHECK(run.summary.complete == (run.path == good || run.path == headless));
  }
  CHECK(runs[3].name == "2020-empty");
}

TEST_CASE("What a killed writer left is listed and read, what is being written is not listed") {
  const ScratchFolder folder;
  RunWriter writer = RunWriter::create(folder.path(), false, header()).value();
  writer.add(repetition(1, 5, 5));
  CHECK(list_runs(folder.path()).value().empty());
  const fs::path left = folder.path() / ".incomplete-2026-11-21T09-30-00Z-blocking-async-1-1";
  fs::copy(fs::directory_iterator(folder.path())->path(), left);
  const std::vector<RunListing> runs = list_runs(folder.path()).value();
  REQUIRE(runs.size() == 1);
  CHECK(runs[0].path == left);
  CHECK(runs[0].readable);
  CHECK_FALSE(runs[0].summary.complete);
  CHECK(runs[0].problem == "its writer was killed");
  const Run run = read_run(left).value();
  CHECK_FALSE(run.summary.complete);
  REQUIRE(run.repetitions.size() == 1);
  CHECK(same(run.repetitions[0], repetition(1, 5, 5)));
}

TEST_CASE("A schema that this program does not know is named") {
  const ScratchFolder folder;
  const fs::path path = save(folder.path(), false, header(), {});
  // The line of another version, sealed as its writer would.
  std::string bytes = R"({"type":"header","schema":"lab.run-record/2")";
  bytes += R"(,"crc32":"53fbc843"})"
           "\n";
  write_bytes(path / "run.jsonl", bytes);
  const Result<Run> run = read_run(path);
  REQUIRE(run.has_error());
  CHECK(run.error().kind == ErrorKind::usage);
  CHECK(run.error().message.find("lab.run-record/2") != std::string::npos);
  CHECK(list_runs(folder.path()).value().at(0).problem.find("lab.run-record/2") != std::string::npos);
}

TEST_CASE("Strings that are not UTF-8 are kept readable") {
  const ScratchFolder folder;
  RunHeader odd = header();
  odd.scenario_file = "caf\xe9.toml";
  CHECK(read_run(save(folder.path(), false, odd, {})).value().header.scenario_file == "caf\xef\xbf\xbd.toml");
}

TEST_CASE("An installed program keeps runs in the user's data folder") {
  const Environment home("HOME", "/home/ada");
  {
    const Environment data("XDG_DATA_HOME", "/data");
    CHECK(user_runs_folder() == "/data/lab/runs");
  }
  {
    const Environment data("XDG_DATA_HOME", "relative/is/ignored");
    CHECK(user_runs_folder() == "/home/ada/.local/share/lab/runs");
  }
  const Environment data("XDG_DATA_HOME", nullptr);
  CHECK(user_runs_folder() == "/home/ada/.local/share/lab/runs");
}

TEST_CASE("In a checkout runs stay in it") {
  const std::optional<fs::path> root = checkout_root();
  CHECK(default_runs_folder() == (root ? *root / "results" / "runs" : user_runs_folder()));
}
