#include "scenarios/loader/loader.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <optional>

#include "scenarios/loader/testing/test_modes.hpp"

using namespace lab;
namespace fs = std::filesystem;

namespace {

/// A folder of its own, gone with the test.
class Folder {
 public:
  Folder() {
    std::string name = (fs::temp_directory_path() / "lab-loader-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~Folder() { fs::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  const fs::path& path() const { return path_; }
  fs::path write(const std::string& name, const std::string& text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
    return path_ / name;
  }

 private:
  fs::path path_;
};

/// $LAB_SCENARIOS for the time of a test.
class ScenarioVariable {
 public:
  explicit ScenarioVariable(const std::string& value) {
    if (const char* old = std::getenv("LAB_SCENARIOS")) old_ = old;
    setenv("LAB_SCENARIOS", value.c_str(), 1);
  }
  ~ScenarioVariable() {
    if (old_) {
      setenv("LAB_SCENARIOS", old_->c_str(), 1);
    } else {
      unsetenv("LAB_SCENARIOS");
    }
  }
  ScenarioVariable(const ScenarioVariable&) = delete;
  ScenarioVariable& operator=(const ScenarioVariable&) = delete;

 private:
  std::optional<std::string> old_;
};

const std::string kSmall = R"(question = "Why?"
routes.work = { request = "GET /work", steps = [] }
load = [{ route = "work", arrivals = "burst", requests = 1 }]
arms = [{ id = "a", mode = "async-loop" }]
)";

}  // namespace

TEST_CASE("a scenario is found by name in $LAB_SCENARIOS before any other folder") {
  const Folder first;
  const Folder second;
  first.write("zebra.toml", kSmall);
  second.write("zebra.toml", "broken");
  second.write("yak.toml", kSmall);
  const ScenarioVariable variable(first.path().string() + ":" + second.path().string());
  const Result<Scenario> zebra = load_scenario("zebra", kTestModes);
  REQUIRE(zebra.has_value());
  CHECK(zebra->name == "zebra");
  CHECK(zebra->file == (first.path() / "zebra.toml").string());
  CHECK(zebra->source == kSmall);
  CHECK(load_scenario("yak", kTestModes).has_value());
}

TEST_CASE("names of scenarios are sorted, without doubles, and only those of .toml files") {
  const Folder folder;
  folder.write("zebra.toml", kSmall);
  folder.write("ant.toml", kSmall);
  folder.write("notes.txt", "");
  fs::create_directory(folder.path() / "folder.toml");
  const ScenarioVariable variable(folder.path().string() + ":" + folder.path().string() + ":/nowhere/at/all");
  const std::vector<std::string> names = scenario_names();
  CHECK(std::count(names.begin(), names.end(), "zebra") == 1);
  CHECK(std::count(names.begin(), names.end(), "ant") == 1);
  CHECK(std::count(names.begin(), names.end(), "notes") == 0);
  CHECK(std::count(names.begin(), names.end(), "folder") == 0);
  CHECK(std::is_sorted(names.begin(), names.end()));
}

TEST_CASE("an unknown name is bad usage and names the nearest scenario") {
  const Folder folder;
  folder.write("zebra-crossing.toml", kSmall);
  const ScenarioVariable variable(folder.path().string());
  for (const std::string name : {"zebra-crosing", "", "ZEBRA", "../zebra"}) {
    const Result<Scenario> missing = load_scenario(name, kTestModes);
    REQUIRE_FALSE(missing.has_value());
    CHECK(missing.error().kind == ErrorKind::usage);
    CHECK(missing.error().message.find('\n') == std::string::npos);
  }
  const Result<Scenario> near = load_scenario("zebra-crosing", kTestModes);
  CHECK(near.error().message.find("did you mean 'zebra-crossing'?") != std::string::npos);
}

TEST_CASE("a path loads that file, and its stem becomes a name that a folder may have") {
  const Folder folder;
  for (const auto& [file, name] :
       {std::pair{"tmp.x8Sd.toml", "tmp-x8sd"}, std::pair{"My  Own_File.toml", "my-own-file"},
        std::pair{"---.toml", "scenario"}, std::pair{"ok-1.toml", "ok-1"}}) {
    const Result<Scenario> scenario = load_scenario(folder.write(file, kSmall).string(), kTestModes);
    REQUIRE(scenario.has_value());
    CHECK(scenario->name == name);
  }
}

TEST_CASE("a file that is not there, is a folder, is empty or endless is bad usage with the reason") {
  const Folder folder;
  const auto message = [](const std::string& path) {
    const Result<Scenario> scenario = load_scenario(path, kTestModes);
    REQUIRE_FALSE(scenario.has_value());
    CHECK(scenario.error().kind == ErrorKind::usage);
    return scenario.error().message;
  };
  CHECK(message("./no-such-file.toml") == "./no-such-file.toml: cannot be read: No such file or directory");
  CHECK(message(folder.path().string()).find("Is a directory") != std::string::npos);
  CHECK(
      message(folder.write("empty.toml", "").string()).find(":1:1: the scenario needs the key 'question'") !=
      std::string::npos);
  CHECK(message(folder.write("large.toml", std::string(1'048'577, '#')).string()).find("1 MB") !=
        std::string::npos);
  CHECK(message("/dev/zero").find("1 MB") != std::string::npos);
}

TEST_CASE("a file of exactly one megabyte is read") {
  const Folder folder;
  const std::string text = kSmall + "#" + std::string(1'048'576 - kSmall.size() - 1, 'x');
  CHECK(load_scenario(folder.write("one.toml", text).string(), kTestModes).has_value());
}
