#include "lab/core/text.hpp"

#include <catch2/catch.hpp>

#include "lab/core/error.hpp"

using namespace lab;

TEST_CASE("Distance counts insertions, deletions, replacements and swaps of neighbours") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("abc", "") == 3);
  CHECK(edit_distance("loop", "loop") == 0);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("laod", "load") == 1);
  CHECK(edit_distance("burst", "brust") == 1);
}

TEST_CASE("The nearest word is found where one is near enough") {
  const std::vector<std::string> modes{"blocking-loop", "async-loop", "thread-pool"};
  CHECK(nearest_word("asinc-loop", modes) == "async-loop");
  CHECK(nearest_word("threadpool", modes) == "thread-pool");
  CHECK_FALSE(nearest_word("xyz", modes));
  CHECK_FALSE(nearest_word("anything", {}));
}

TEST_CASE("A pasted megabyte is no misspelling") {
  CHECK_FALSE(nearest_word(std::string(1'000'000, 'a'), {std::string(1'000'000, 'a')}));
}

TEST_CASE("A suggestion names the nearest word and all that are known") {
  CHECK(suggestion("brst", {"burst", "closed"}) == " (did you mean 'burst'? known: burst, closed)");
  CHECK(suggestion("qqqqqq", {"burst", "closed"}) == " (known: burst, closed)");
  CHECK(suggestion("brst", {}) == "");
}

TEST_CASE("Splitting keeps empty parts, and joining undoes it") {
  CHECK(split("a.b", '.') == std::vector<std::string>{"a", "b"});
  CHECK(split("", '.') == std::vector<std::string>{""});
  CHECK(split(".a.", '.') == std::vector<std::string>{"", "a", ""});
  CHECK(join({}, ", ").empty());
  for (const char* text : {"", "a", "a.b", "..", ".x."}) CHECK(join(split(text, '.'), ".") == text);
}

TEST_CASE("what a shell would take apart is quoted, and nothing else") {
  CHECK(shell_word("a/b-c_1.toml") == "a/b-c_1.toml");
  CHECK(shell_word("my own.toml") == "'my own.toml'");
  CHECK(shell_word("it's") == "'it'\\''s'");
  CHECK(shell_word("") == "''");
}

TEST_CASE("words are compared, and made small, regardless of ASCII's case alone") {
  CHECK(equals_ignoring_case("Lab-Request", "lAB-rEQUEST"));
  CHECK_FALSE(equals_ignoring_case("lab", "labw"));
  CHECK_FALSE(equals_ignoring_case("\xc3\x84", "\xc3\xa4"));
  CHECK(lower_case("A-Z \xc3\x84") == "a-z \xc3\x84");
}

TEST_CASE("numbers are grouped by thousands, counted with their noun, and small ones are words") {
  CHECK(grouped(1'234'567) == "1,234,567");
  CHECK(grouped(-1000) == "-1,000");
  CHECK(grouped(999) == "999");
  CHECK(grouped(10'000, '_') == "10_000");
  CHECK(plural(1, "request") == "1 request");
  CHECK(plural(0, "request") == "0 requests");
  CHECK(number_word(0) == "no");
  CHECK(number_word(12) == "twelve");
  CHECK(number_word(13) == "13");
}

TEST_CASE("a failure becomes a result, which says what it is about") {
  const auto halved = [](int number) {
    return caught([&] {
      refuse_if(number % 2 != 0, "{} is odd", number);
      return number / 2;
    });
  };
  CHECK(halved(4).value() == 2);
  CHECK(about("--half", halved(4)).value() == 2);
  const Result<int> odd = about("--half", halved(3));
  REQUIRE(odd.has_error());
  CHECK(odd.error().message == "--half: 3 is odd");
  CHECK(odd.error().kind == ErrorKind::usage);
  CHECK(caught([] {}).has_value());
}
