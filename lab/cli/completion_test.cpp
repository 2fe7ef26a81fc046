#include "lab/cli/completion.hpp"

#include <catch2/catch.hpp>

using namespace lab;

namespace {

Command with(Command command, const std::vector<Option>& options) {
  command.options = options;
  return command;
}

Option with_choices(Option option, const std::vector<std::string>& choices) {
  option.choices = choices;
  return option;
}

const std::vector<Command> kCommands{
    with(Command("lab", ""), {{"--version", "", "the version", {}}}),
    with(Command("run", "a scenario"),
         {{"scenario", "SCENARIO", "names, or paths to .toml files", {}},
          {"--arms", "ARM,ARM", "only these arms", {}},
          with_choices({"--format", "TEXT", "text, json or md", {}}, {"text", "json", "md"}),
          {"--save", "DIR", "keep the run in this folder", {}},
          {"-q,--quick", "", "one repetition", {}},
          {"--guess", "ARM=DURATION", "a prediction, as b=1s", {}},
          {"--delay", "DURATION", "the scenario's d, as 100ms", {}}})};

std::vector<Candidate> known(std::string_view kind, std::span<const std::string> line) {
  if (kind == "ARM") return {{"a-of-" + line[1], ""}, {"b", ""}};
  if (kind == "SCENARIO") return {{"pool-limit", ""}, {"gil", ""}};
  return {};
}

std::vector<std::string> offered(const std::vector<std::string>& line) {
  std::vector<std::string> words;
  const Candidates found = candidates(kCommands, line, known);
  for (const Candidate& candidate : found.words) words.push_back(candidate.word);
  if (found.files) words.emplace_back(":files");
  return words;
}

using Words = std::vector<std::string>;

}  // namespace

TEST_CASE("a line begins with a verb or an option of the program") {
  CHECK(offered({""}) == Words{"run", "--version"});
  CHECK(offered({"r"}) == Words{"run"});
  CHECK(offered({}) == Words{"run", "--version"});
  CHECK(offered({"nothing", ""}).empty());
}

TEST_CASE("a verb takes what its positional names, and its options once a dash is written") {
  CHECK(offered({"run", "po"}) == Words{"pool-limit", ":files"});
  CHECK(offered({"run", "gil", "--f"}) == Words{"--format"});
  CHECK(offered({"run", "--quick", "g"}) == Words{"gil", ":files"});
}

TEST_CASE("an option takes the words that it is declared with") {
  CHECK(offered({"run", "--format", ""}) == Words{"text", "json", "md"});
  CHECK(offered({"run", "--format", "j"}) == Words{"json"});
  CHECK(offered({"run", "--format=j"}) == Words{"--format=json"});
  CHECK(offered({"run", "--format", "=", "j"}) == Words{"json"});
  CHECK(offered({"run", "--format", "="}) == Words{"text", "json", "md"});
}

TEST_CASE("where no word can be known, none is offered") {
  CHECK(offered({"run", "--delay", ""}).empty());
  CHECK(offered({"run", "--save", ""}) == Words{":files"});
}

TEST_CASE("arms are those of the scenario on the line, also within a list") {
  CHECK(offered({"run", "gil", "--arms", ""}) == Words{"a-of-gil", "b"});
  CHECK(offered({"run", "gil", "--arms", "b,a"}) == Words{"b,a-of-gil"});
}

TEST_CASE("what an assignment assigns to is offered with its sign and no blank, what is assigned is not") {
  CHECK(offered({"run", "gil", "--guess", "a"}) == Words{"a-of-gil="});
  CHECK(offered({"run", "gil", "--guess=a"}) == Words{"--guess=a-of-gil="});
  CHECK(candidates(kCommands, Words{"run", "gil", "--guess", ""}, known).nospace);
  CHECK(offered({"run", "gil", "--guess", "b="}).empty());
  CHECK(offered({"run", "gil", "--guess=b="}).empty());
}

TEST_CASE("words that bash splits at the sign of equality are one, of which the last part is completed") {
  CHECK(offered({"run", "gil", "--guess", "b", "="}).empty());
  CHECK(offered({"run", "gil", "--guess", "b", "=", "1"}).empty());
  CHECK(offered({"run", "gil", "--guess", "=", "a"}) == Words{"a-of-gil="});
  CHECK(offered({"run", "gil", "--format", "=", "json", "--f"}) == Words{"--format"});
}

TEST_CASE("a word is known without its quotes, and with the home folder") {
  CHECK(unquoted("gil", "/home/ada") == "gil");
  CHECK(unquoted(R"(my\ own.toml)", "") == "my own.toml");
  CHECK(unquoted(R"("my own".toml)", "") == "my own.toml");
  CHECK(unquoted(R"('it is "own"\')", "") == R"(it is "own"\)");
  CHECK(unquoted(R"("a\"b\c)", "") == R"(a"b\c)");
  CHECK(unquoted("~/own.toml", "/home/ada") == "/home/ada/own.toml");
  CHECK(unquoted("\"$HOME/own.toml\"", "/home/ada") == "/home/ada/own.toml");
  CHECK(unquoted("$HOMER/~/'$HOME/x'", "/home/ada") == "$HOMER/~/$HOME/x");
}

TEST_CASE("a quote that is still open quotes what is there of the word") {
  CHECK(unquoted("\"po", "") == "po");
  CHECK(unquoted("'my po", "") == "my po");
  CHECK(unquoted("po\\", "") == "po\\");
}

TEST_CASE("the manual breaks an example's command before an option, and prose at a blank") {
  const std::string text = manual_of_verbs(
      {with(Command("lab", ""), {}),
       with(Command("run", "",
                    "Example: lab run a-scenario-of-some-length --with one-thing --and another --more 12\n"
                    "Words without a command, of which there are so many that they do not fit one line\n"
                    "short: lab run x"),
            {})});
  CHECK_THAT(text, Catch::Contains("one-thing \\e\n           --and another --more 12\n"));
  CHECK_THAT(text, Catch::Contains("not\n  fit one line\n"));
  CHECK_THAT(text, Catch::Contains("\nshort: lab run x\n"));
}
