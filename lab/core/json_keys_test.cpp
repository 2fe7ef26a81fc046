#include "lab/core/json_keys.hpp"

#include <catch2/catch.hpp>

using namespace lab;

TEST_CASE("a key that stands twice in one object is found, in different objects it is none") {
  CHECK(key_that_stands_twice(R"({"a": 1, "b": {"a": 2}, "c": [{"a": 3}, {"a": 4}]})").empty());
  CHECK(key_that_stands_twice(R"({"a": 1, "b": {"c": 2, "c" : 3}})") == "c");
  CHECK(key_that_stands_twice(R"({"a": "a", "b": "a", "c": ["a", "a"]})").empty());
  CHECK(key_that_stands_twice(R"({"a": "\"a\": {", "a": 1})") == "a");
  CHECK(key_that_stands_twice("[1, 2]").empty());
}

TEST_CASE("what is no UTF-8 is known") {
  CHECK(is_utf8("plain"));
  CHECK(is_utf8("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x99\x82"));
  CHECK_FALSE(is_utf8("gr\xFC\xDF"));
  CHECK_FALSE(is_utf8("\xFF\xFE{"));
  CHECK_FALSE(is_utf8("\xC0\x80"));
  CHECK_FALSE(is_utf8("\xED\xA0\x80"));
  CHECK_FALSE(is_utf8("\xC3"));
}
