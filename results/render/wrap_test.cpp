#include "lab/core/text.hpp"

#include <catch2/catch.hpp>

#include "results/render/page.hpp"

using namespace lab;

TEST_CASE("Columns are code points") {
  CHECK(columns("") == 0);
  CHECK(columns("⌈N/P⌉·d") == 7);
  CHECK(columns("\xf0\x9f\x98\x80!") == 2);
}

TEST_CASE("What is not UTF-8 is replaced byte by byte") {
  CHECK(valid_utf8("a\xffz") == "a\xef\xbf\xbdz");
  CHECK(valid_utf8("\xc0\xaf") == "\xef\xbf\xbd\xef\xbf\xbd");                  // overlong
  CHECK(valid_utf8("\xed\xa0\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");  // surrogate
  CHECK(valid_utf8("\xe2\x82") == "\xef\xbf\xbd\xef\xbf\xbd");                  // torn
  CHECK(valid_utf8("\xf4\x90\x80\x80") == "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd");
  CHECK(valid_utf8("µ€😀") == "µ€😀");
}

TEST_CASE("ASCII spells what it cannot write") {
  CHECK(printable("1–2 × ⌈3⌉ · 4 µs … 漢", true) == "1-2 x ceil(3) . 4 us ... ?");
  CHECK(printable("1–2 × ⌈3⌉", false) == "1–2 × ⌈3⌉");
}

TEST_CASE("Control characters never reach a terminal") {
  CHECK(printable("a\x1b[1mb\nc\td", false) == "a?[1mb c d");
  CHECK(printable("\xc2\x85\xe2\x80\xae\xef\xbb\xbf", false) == "???");
}

TEST_CASE("Shortened text is marked and fits") {
  CHECK(shorten("abcdef", 6, false) == "abcdef");
  CHECK(shorten("abcdef", 4, false) == "abc…");
  CHECK(shorten("abcdef", 5, true) == "ab...");
  CHECK(shorten("abcdef", 2, true) == "..");
  CHECK(shorten("ab cdef", 4, false) == "ab…");
}

TEST_CASE("Wrapped lines hang under the tag and break at blanks") {
  CHECK(wrap("one two three four", "WHY   ", 6, 16) ==
        std::vector<std::string>{"WHY   one two", "      three four"});
}

TEST_CASE("A word longer than a line is cut, and nothing is lost") {
  CHECK(wrap("abcdefghijklmnopqrstuvwxyz end", "", 2, 12) ==
        std::vector<std::string>{"abcdefghijkl", "  mnopqrstuv", "  wxyz end"});
}

TEST_CASE("Blanks inside a line stay") {
  CHECK(wrap("lab run x    (why?)", "", 0, 40) == std::vector<std::string>{"lab run x    (why?)"});
}

TEST_CASE("An empty text is one empty line after its tag") {
  CHECK(wrap("", "TAG   ", 6, 40) == std::vector<std::string>{"TAG"});
}

TEST_CASE("a command that is printed can be pasted: nothing between quotes is broken") {
  const std::string server = "'/usr/bin/python3 -m uvicorn main:app --port {port} --log-level warning'";
  const std::string command = "lab diagnose /report --server " + server + " --ping /health --against last";
  const std::string text = tagged_command("PROVE", command, {.width = 80});
  CHECK(text.find(server) != std::string::npos);
  std::string pasted = text.substr(kTagColumns);
  for (std::size_t at = 0; (at = pasted.find(" \\\n")) != std::string::npos;)
    pasted.replace(at, pasted.find_first_not_of(' ', at + 3) - at, " ");
  CHECK(pasted == command + "\n");
  for (const std::string& line : split(text, '\n')) CHECK(columns(line) <= 80);
  CHECK(tagged_command("RUN", R"(lab run 'it'\''s' last)", {.width = 22}) ==
        "RUN     lab run \\\n        'it'\\''s' \\\n        last\n");
}
