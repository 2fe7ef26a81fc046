#include "lab/cli/sweep.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

namespace lab {
namespace {

using Values = std::vector<std::string>;

Values values_of(const std::string& list) {
  return parse_grid({"k=" + list}).value().front().values;
}

std::string problem(const Values& texts) {
  const auto grid = parse_grid(texts);
  return grid ? "" : grid.error().message;
}

TEST_CASE("a list has values and ranges of whole numbers or durations") {
  CHECK(values_of("1,2,8") == Values{"1", "2", "8"});
  CHECK(values_of("1..4") == Values{"1", "2", "3", "4"});
  CHECK(values_of("1..64*4") == Values{"1", "4", "16", "64"});
  CHECK(values_of("1..10*2") == Values{"1", "2", "4", "8"});
  CHECK(values_of("2..9+3,20") == Values{"2", "5", "8", "20"});
  CHECK(values_of("1..8*1.5") == Values{"1", "2", "3", "5", "8"});
  CHECK(values_of("100ms..300ms+100ms") == Values{"100ms", "200ms", "300ms"});
  CHECK(values_of("500us..2ms*2") == Values{"500us", "1ms", "2ms"});
  CHECK(values_of("9223372036854775807..9223372036854775807") == Values{"9223372036854775807"});
  CHECK(values_of("burst,closed") == Values{"burst", "closed"});
}

TEST_CASE("what is no list is refused with the fix") {
  CHECK_THAT(problem({"workers"}), Catch::Contains("KEY=LIST"));
  CHECK_THAT(problem({"workers="}), Catch::Contains("KEY=LIST"));
  CHECK_THAT(problem({"workers=1,,2"}), Catch::Contains("empty"));
  CHECK_THAT(problem({"workers=8..1"}), Catch::Contains("backwards"));
  CHECK_THAT(problem({"workers=1..x"}), Catch::Contains("1..64*2"));
  CHECK_THAT(problem({"workers=1..8*1"}), Catch::Contains("not a range"));
  CHECK_THAT(problem({"workers=0..8*2"}), Catch::Contains("not a range"));
  CHECK_THAT(problem({"d=100ms..1s"}), Catch::Contains("needs a step"));
  CHECK_THAT(problem({"workers=1,2,1"}), Catch::Contains("twice"));
  CHECK_THAT(problem({"workers=1", "workers=2"}), Catch::Contains("given twice"));
  CHECK_THAT(problem({}), Catch::Contains("--vary workers"));
}

TEST_CASE("a grid of more than a thousand points is refused, however it is written") {
  CHECK(problem({"a=1..1000"}).empty());
  CHECK_THAT(problem({"a=1..1001"}), Catch::Contains("too large"));
  CHECK_THAT(problem({"a=1..9223372036854775806"}), Catch::Contains("too large"));
  CHECK_THAT(problem({"a=1..100", "b=1..11"}), Catch::Contains("1100 points"));
}

TEST_CASE("points are all combinations, the last key changing fastest") {
  const auto keys = parse_grid({"workers=1,2", "d=1s,2s"}).value();
  CHECK(points_of(keys) == std::vector<Values>{{"1", "1s"}, {"1", "2s"}, {"2", "1s"}, {"2", "2s"}});
}

TEST_CASE("a key is the option of that name, or else a parameter of the scenario") {
  RunOptions options;
  options.set("seed", "7");
  const auto keys = parse_grid({"workers=1,2", "pause=1s,2s"}).value();
  const RunOptions point = at_point(options, keys, {"2", "1s"});
  CHECK(point.overrides.workers == 2);
  CHECK(point.overrides.params == std::map<std::string, Nanos>{{"pause", kSecond}});
  CHECK(point.experiment.seed == 7);
}

TEST_CASE("what is varied cannot be fixed as well") {
  for (const auto& [name, text, varied] :
       {std::array{"workers", "4", "workers=1,2"}, {"set", "d=1s", "d=1s,2s"}, {"delay", "1s", "d=1s,2s"}}) {
    RunOptions options;
    options.set(name, text);
    const auto keys = parse_grid({varied}).value();
    CHECK_THROWS_AS(at_point(options, keys, {keys.front().values.front()}), Failure);
  }
}

namespace fs = std::filesystem;

struct Folder {
  Folder() {
    char name[] = "/tmp/lab-sweep-XXXXXX";
    path = mkdtemp(name);
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() { fs::remove_all(path); }
  fs::path path;
};

SweepManifest sample() {
  return {"gil", "/tmp/gil.toml",        "question = \"Wie schnell?\"\n", "0.1.0 (abc)",  "6.1.0",
          2,     "2026-11-21T20:00:00Z", {"workers=1..8*2", "d=1s"},      {"--repeat=3"}, "ping.latency.max"};
}

TEST_CASE("a manifest reads back as it was written") {
  const Folder folder;
  const fs::path sweep = create_sweep(folder.path / "mine", sample()).value();
  CHECK(sweep == folder.path / "mine");
  const SweepManifest read = read_manifest(sweep).value();
  CHECK(read.scenario == "gil");
  CHECK(read.asked_for == "/tmp/gil.toml");
  CHECK(read.source == sample().source);
  CHECK(read.cores == 2);
  CHECK(read.vary == sample().vary);
  CHECK(read.arguments == sample().arguments);
  CHECK(read.stat == "ping.latency.max");
  CHECK(std::distance(fs::directory_iterator(sweep), {}) == 1);
  CHECK(find_sweep(sweep.string()).value() == sweep);
}

TEST_CASE("a folder that holds anything is not taken for a new sweep") {
  const Folder folder;
  create_sweep(folder.path / "mine", sample()).value();
  const auto again = create_sweep(folder.path / "mine", sample());
  REQUIRE_FALSE(again.has_value());
  CHECK_THAT(again.error().message, Catch::Contains("--resume"));
  std::ofstream(folder.path / "notes.txt") << "mine";
  CHECK(create_sweep(folder.path, sample()).error().kind == ErrorKind::usage);
}

TEST_CASE("a damaged manifest is reported with its file") {
  const Folder folder;
  const fs::path sweep = create_sweep(folder.path / "mine", sample()).value();
  for (const char* text :
       {"", "{", "[]", "{\"schema\":\"lab.sweep-manifest/9\"}", "{\"schema\":\"lab.sweep-manifest/1\"}"}) {
    std::ofstream(sweep / "sweep.json") << text;
    const auto read = read_manifest(sweep);
    REQUIRE_FALSE(read.has_value());
    CHECK_THAT(read.error().message, Catch::Contains("sweep.json"));
  }
}

TEST_CASE("a point is done when its run is whole") {
  const Folder folder;
  CHECK(point_folder(folder.path, 0) == folder.path / "point-0001");
  CHECK_FALSE(point_is_done(folder.path, 0));
  fs::create_directory(folder.path / "point-0001");
  CHECK_FALSE(point_is_done(folder.path, 0));
  std::ofstream(folder.path / "point-0001/run.jsonl") << "{}\n";
  CHECK(point_is_done(folder.path, 0));
}

}  // namespace
}  // namespace lab
