#include "lab/course/json_keys.hpp"

#include <catch2/catch.hpp>

using namespace lab;

TEST_CASE("a key that stands twice in one object is found, in different objects it is none") {
  CHECK(key_that_stands_twice(R"({"a": 1, "b": {"a": 2}, "c": [{"a": 3}, {"a": 4}]})").empty());
  CHECK(key_that_stands_twice(R"({"a": 1, "b": {"c": 2, "c" : 3}})") == "c");
  CHECK(key_that_stands_twice(R"({"a": "a", "b": "a", "c": ["a", "a"]})").empty());
  CHECK(key_that_stands_twice(R"({"a": "\"a\": {", "a": 1})") == "a");
  CHECK(key_that_stands_twice("[1, 2]").empty());
}
