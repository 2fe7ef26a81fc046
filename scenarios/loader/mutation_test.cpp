#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>

#include "scenarios/loader/loader.hpp"
#include "scenarios/loader/testing/test_modes.hpp"

using namespace lab;

namespace {

std::string read(const std::string& name) {
  std::ifstream file(std::filesystem::path(__FILE__).parent_path().parent_path() / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

/// What a slip of the hand, a bad disk or an enemy makes of a file.
void damage(std::string& text, std::mt19937& random) {
  const auto at = [&] { return static_cast<std::size_t>(random()) % text.size(); };
  const std::size_t from = at();
  switch (random() % 7) {
    case 0: text[from] = static_cast<char>(random() % 256); break;
    case 1: text.erase(from, 1 + random() % 20); break;
    case 2: text.insert(from, text.substr(at(), 1 + random() % 60)); break;
    case 3: text.insert(from, std::string(1 + random() % 3, "[]{}\"'=.,\n#$-"[random() % 13])); break;
    case 4: std::swap(text[from], text[at()]); break;
    case 5: text.insert(from, std::to_string(static_cast<std::int64_t>(random()) * 2'000'000'000)); break;
    default: text.resize(std::max<std::size_t>(1, from)); break;
  }
  if (text.empty()) text = "x";
}

}  // namespace

TEST_CASE("a damaged file is read or refused with one line that names its place, never more") {
  std::mt19937 random(20'260'101);
  int refused = 0, read_anyway = 0;
  for (const std::string name :
       {"frozen-server.toml", "cpu-threshold.toml", "blocking-async.toml", "thousand-users.toml",
        "task-queue.toml", "background-task.toml", "mixed-routes.toml", "upload.toml", "worker-crash.toml"}) {
    const std::string good = read(name);
    REQUIRE(good.size() > 100);
    for (int round = 0; round < 1'000 / LAB_TEST_DIVISOR; ++round) {
      std::string text = good;
      for (unsigned times = 1 + random() % 3; times > 0; --times) damage(text, random);
      const Result<Scenario> scenario = parse_scenario(text, "damaged.toml", kTestModes);
      if (scenario) {
        ++read_anyway;
        if (scenario->routes.empty() || scenario->arms.empty() || scenario->cases.empty())
          FAIL("an empty scenario");
        continue;
      }
      ++refused;
      const std::string& message = scenario.error().message;
      const bool one_line = message.find('\n') == std::string::npos && message.size() < 700;
      if (!one_line || message.rfind("damaged.toml:", 0) != 0 || scenario.error().kind != ErrorKind::usage) {
        FAIL(message);
      }
    }
  }
  CHECK(refused > 2'000 / LAB_TEST_DIVISOR);
  CHECK(read_anyway > 200 / LAB_TEST_DIVISOR);
}
