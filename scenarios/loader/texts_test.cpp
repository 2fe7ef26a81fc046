#include <catch2/catch.hpp>
#include <string>

#include "scenarios/loader/loader.hpp"
#include "scenarios/loader/testing/test_modes.hpp"

using namespace lab;

namespace {

std::string texts_file(const std::string& question, const std::string& answer) {
  return "question = \"" + question + R"toml("
params = { d = "100ms", d-long = "2s" }
[routes.work]
request = "GET /work"
steps = [{ wait = "$d" }]
[[cases]]
id = "ten"
load = [{ route = "work", arrivals = "burst", requests = 10 }]
[[cases]]
id = "many"
load = [{ route = "work", arrivals = "burst", requests = 1000 }]
[[arms]]
id = "pool"
mode = "thread-pool"
[[ask]]
text = "$requests at once?"
case = "many"
answer = "pool.makespan"
wrong = [{ value = "5s", say = "No request takes $d*50." }]
[explain]
text = "Each takes $d."
answer = ")toml" +
         answer + "\"\n";
}

Result<Scenario> scenario(const std::string& question, const std::string& answer = "",
                          const Overrides& overrides = {}) {
  return parse_scenario(texts_file(question, answer), "x.toml", kTestModes, overrides);
}

std::string question(const std::string& text, const Overrides& overrides = {}) {
  const auto read = scenario(text, "", overrides);
  INFO((read ? "" : read.error().message));
  REQUIRE(read.has_value());
  return read->question;
}

}  // namespace

TEST_CASE("texts take their numbers from the parameters") {
  CHECK(question("Each waits $d.") == "Each waits 100 ms.");
  Overrides slower;
  slower.params["d"] = kSecond;
  CHECK(question("Each waits $d, three $d*3 and half $d/2", slower) ==
        "Each waits 1 s, three 3 s and half 500 ms");
  CHECK(question("$d-long or $d-pool") == "2 s or 100 ms-pool");
  CHECK(question("It costs $5, or $") == "It costs $5, or $");
  const auto read = scenario("?", "", slower);
  REQUIRE(read.has_value());
  CHECK(read->explain.text == "Each takes 1 s.");
  Overrides scaled;
  scaled.scale = 0.1;
  const auto tenth = scenario("?", "", scaled);
  REQUIRE(tenth.has_value());
  CHECK(tenth->asks.front().wrong.front().say == "No request takes 500 ms.");
}

TEST_CASE("texts say how many requests there are, in words where they are few") {
  CHECK(question("$requests requests, or $requests?") == "Ten requests, or ten?");
  Overrides more;
  more.requests = 12345;
  CHECK(question("$requests requests", more) == "12,345 requests");
  const auto read = scenario("?");
  REQUIRE(read.has_value());
  CHECK(read->asks.front().text == "A thousand at once?");
}

TEST_CASE("one request is spoken of in the singular") {
  Overrides one;
  one.requests = 1;
  CHECK(question("$requests requests wait $d", one) == "One request waits 100 ms");
  CHECK(question("$requests blocking requests, or $requests users", one) ==
        "One blocking request, or one user");
  CHECK(question("$requests queries of $d", one) == "One query of 100 ms");
  CHECK(question("$requests POST /delay, each sleeps", one) == "One POST /delay, each sleeps");
  CHECK(question("$requests $d requests", one) == "One 100 ms requests");
}

TEST_CASE("texts say how many workers and threads there are, with what the options change") {
  const auto worded = [](const Overrides& overrides) {
    const std::string file = texts_file("$threads threads, or $workers worker processes?", "");
    const auto read = parse_scenario(file + "[[arms]]\nid = \"two\"\nmode = \"blocking-loop\"\nworkers = 2\n",
                                     "x.toml", kTestModes, overrides);
    INFO((read ? "" : read.error().message));
    REQUIRE(read.has_value());
    return read->question;
  };
  CHECK(worded({}) == "Forty threads, or two worker processes?");
  Overrides other;
  other.workers = 1;
  other.threads = 7;
  CHECK(worded(other) == "Seven threads, or one worker process?");
}

TEST_CASE("an unknown name in a text is reported where it stands") {
  const auto read = scenario("Each waits $e.");
  REQUIRE_FALSE(read.has_value());
  CHECK(read.error().message.find("x.toml:1:12: a text names the unknown parameter '$e'") == 0);
}

TEST_CASE("an answer has figures of the run between its words") {
  const auto read = scenario("?", "It takes {pool.makespan}, not $d, and {many: pool.latency.max}.");
  INFO((read ? "" : read.error().message));
  REQUIRE(read.has_value());
  const Conclusion& answer = read->explain.answer;
  CHECK(answer.words == std::vector<std::string>{"It takes ", ", not 100 ms, and ", "."});
  REQUIRE(answer.figures.size() == 2);
  CHECK(answer.figures[0].arm == "pool");
  CHECK(answer.figures[0].case_id == "ten");
  CHECK(answer.figures[0].stat == Stat{});
  CHECK(answer.figures[1].case_id == "many");
  CHECK(to_string(answer.figures[1].stat) == "latency.max");
  for (const auto& [wrong, reason] :
       {std::pair{"{poll.makespan}", "unknown arm 'poll'"},
        std::pair{"{mny: pool.makespan}", "unknown case 'mny'"},
        std::pair{"{pool.makespan", "a { without a }"}, std::pair{"{pool.makespam}", "makespam"}}) {
    const auto refused = scenario("?", wrong);
    REQUIRE_FALSE(refused.has_value());
    CHECK(refused.error().message.find(reason) != std::string::npos);
  }
}

TEST_CASE("an answer about so many requests is left out where there are others") {
  Overrides more;
  more.requests = 3;
  const auto read = scenario("?", "It takes {pool.makespan}.", more);
  REQUIRE(read.has_value());
  CHECK(read->explain.answer.words.empty());
  Overrides slower;
  slower.params["d"] = kSecond;
  const auto same = scenario("?", "It takes {pool.makespan}.", slower);
  REQUIRE(same.has_value());
  CHECK_FALSE(same->explain.answer.words.empty());
}

TEST_CASE("an experiment is the same whatever is said about it, and another one when more is sent") {
  const std::string text = texts_file("?", "It takes {pool.makespan}.");
  CHECK(same_experiment(text, texts_file("How long?", "")));
  std::string labelled = text;
  labelled.replace(labelled.find("id = \"pool\""), 11, "id = \"pool\"\nlabel = \"def\"");
  CHECK(same_experiment(text, labelled));
  std::string larger = text;
  larger.replace(larger.find("requests = 10"), 13, "requests = 11");
  CHECK_FALSE(same_experiment(text, larger));
  const std::string third =
      "[[cases]]\nid = \"one\"\nload = [{ route = \"work\", arrivals = \"burst\", requests = 1 }]\n";
  std::string longer = text;
  longer.insert(longer.find("[[arms]]"), third);
  CHECK(same_experiment(text, longer));
  CHECK_FALSE(same_experiment(longer, text));
  CHECK_FALSE(same_experiment(text, "broken ="));
}
