#include "results/store/beside_runs.hpp"

#include <catch2/catch.hpp>
#include <cstdlib>
#include <fstream>

namespace lab {
namespace {

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
