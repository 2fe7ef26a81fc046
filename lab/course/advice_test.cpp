#include "lab/course/advice.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <set>

#include "lab/core/process.hpp"
#include "lab/core/text.hpp"
#include "lab/servers/mode.hpp"
#include "lab/testing/proof_testing.hpp"

using namespace lab;

namespace {

std::string refusal(const std::string& toml) {
  try {
    parse_advice(toml, "a.toml");
    return "";
  } catch (const Failure& failure) {
    return failure.what();
  }
}

/// Walks every way through the tree and collects where each ends.
void follow(const AdviceBook& book, std::map<std::string, std::string> answers, std::set<std::string>& ends) {
  const Walk way = walk(book, answers);
  if (way.advice != nullptr) {
    ends.insert(way.advice->id);
    return;
  }
  for (const AdviceAnswer& answer : book.question(way.next->ask).answers) {
    answers[way.next->ask] = answer.word;
    follow(book, answers, ends);
  }
}

constexpr const char* kSmall = R"(
[questions.work]
text = "What?"
answers = [{ word = "a", text = "a" }, { word = "b", text = "b" }]
[[nodes]]
id = "start"
ask = "work"
then = { a = "end", b = "WHERE" }
[[nodes]]
id = "more"
ask = "work"
then = { a = "end", b = "end" }
[[advice]]
id = "end"
mode = "async-loop"
title = "t"
reason = "r"
fastapi = "f"
cpp = "c"
read = "lab/main.cpp"
proof = "lab run gil"
shows = "s"
avoid = "a"
[[lists]]
list = "l"
document = "D2"
place = "p"
entries = [{ text = "t", advice = "end", holds = "yes" }]
)";

std::string small(const std::string& where) {
  std::string toml = kSmall;
  toml.replace(toml.find("WHERE"), 5, where);
  return toml;
}

}  // namespace

TEST_CASE("every way through the questions ends at an advice, and every advice is reached") {
  const AdviceBook& book = advice_book();
  std::set<std::string> ends;
  follow(book, {}, ends);
  CHECK(ends.size() == book.advice.size());
}

TEST_CASE("an advice names a model that exists, and its proof runs that model") {
  const std::vector<Traits> modes = known_modes();
  for (const Advice& advice : advice_book().advice) {
    INFO(advice.id);
    CHECK(std::any_of(modes.begin(), modes.end(),
                      [&](const Traits& mode) { return mode.name == advice.mode; }));
    const Scenario scenario = scenario_of_command(advice.proof);
    CHECK(std::any_of(scenario.arms.begin(), scenario.arms.end(), [&](const Arm& arm) {
      return std::any_of(arm.modes.begin(), arm.modes.end(),
                         [&](const Traits& mode) { return mode.name == advice.mode; });
    }));
    CHECK(std::filesystem::exists(checkout_root().value() / advice.read));
  }
}

TEST_CASE("the documents' lists prove what they say") {
  for (const DocumentList& list : advice_book().lists) {
    for (const ListEntry& entry : list.entries) {
      INFO(entry.text);
      CHECK_NOTHROW(scenario_of_command(entry.proof));
      CHECK((entry.holds == "yes" || !entry.but.empty()));
    }
  }
}

TEST_CASE("code fits beside its tag and is plain ASCII") {
  for (const Advice& advice : advice_book().advice) {
    for (const std::string& line : split(advice.fastapi + "\n" + advice.cpp, '\n')) {
      INFO(advice.id << ": " << line);
      CHECK(columns(line) <= 72);
      CHECK(printable(line, true) == line);
    }
  }
}

TEST_CASE("a figure stands for the first word that reaches so far") {
  const AdviceBook& book = advice_book();
  const AdviceQuestion& takes = book.question("takes");
  CHECK(understand(takes, "5ms", false).value() == "short");
  CHECK(understand(takes, "5001us", false).value() == "middle");
  CHECK(understand(takes, "2s", false).value() == "heavy");
  CHECK(understand(takes, "2", false).error().message == "--takes: '2' has no unit; write 2ms or 2s");
  const AdviceQuestion& at_once = book.question("at-once");
  CHECK(understand(at_once, "40", false).value() == "few");
  CHECK(understand(at_once, "41", false).value() == "many");
  CHECK(understand(at_once, "1000000", false).value() == "thousands");
}

TEST_CASE("on a terminal a small number is the number of an answer") {
  const AdviceBook& book = advice_book();
  CHECK(understand(book.question("at-once"), "2", true).value() == "many");
  CHECK(understand(book.question("at-once"), "200", true).value() == "many");
  CHECK(understand(book.question("client"), "2", true).value() == "later");
  CHECK(understand(book.question("client"), "3", true).has_error());
  CHECK(understand(book.question("client"), "2", false).has_error());
}

TEST_CASE("an unknown word is answered with the nearest one") {
  const auto word = understand(advice_book().question("client"), "latr", false);
  CHECK(word.error().message == "--client: unknown word 'latr' (did you mean 'later'? known: now, later)");
}

TEST_CASE("an answer that the path does not ask for is refused, one that is missing is asked next") {
  const AdviceBook& book = advice_book();
  CHECK_THROWS_WITH(walk(book, {{"work", "native"}, {"cores", "one"}}),
                    Catch::StartsWith("--cores one changes nothing"));
  const Walk open = walk(book, {{"work", "cpu"}, {"client", "now"}});
  REQUIRE(open.next != nullptr);
  CHECK(open.next->ask == "takes");
}

TEST_CASE("a tree that leads nowhere, or asks twice, is refused") {
  CHECK(refusal(small("end")).empty());
  CHECK(refusal(small("nowhere")) == "a.toml: the tree leads to 'nowhere', which is no node and no advice");
  CHECK(refusal(small("more")) == "a.toml: node 'more' asks 'work' twice");
}

TEST_CASE("a node that no way reaches is looked at, too, and a word that is no answer is refused") {
  const auto with = [](const std::string& old, const std::string& now) {
    std::string toml = small("end");
    const std::size_t at = toml.rfind(old);
    return toml.replace(at, old.size(), now);
  };
  CHECK(refusal(with(R"({ a = "end", b = "end" })", R"({ a = "end", b = "lost" })")) ==
        "a.toml: the tree leads to 'lost', which is no node and no advice");
  CHECK(refusal(with(R"({ a = "end", b = "end" })", R"({ a = "end", b = "end", c = "end" })")) ==
        "a.toml: then of node 'more' must name each answer of 'work', and no other word");
  CHECK(refusal(with(R"([{ word = "a", text = "a" }, { word = "b", text = "b" }])", "[]"))
            .find("has no answers") != std::string::npos);
}
