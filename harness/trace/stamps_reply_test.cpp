#include "harness/trace/stamps.hpp"

#include <catch2/catch.hpp>

namespace lab {
namespace {

TEST_CASE("a number and a string are found by their keys, wherever they stand") {
  const char* const reply = R"({"detail": {"task_id": 3, "x": [1, 2]}, "task_id" : 17 , "status":"done"})";
  CHECK(json_number(reply, "task_id") == 17);
  CHECK(json_string(reply, "status") == "done");
}

TEST_CASE("a key inside a string or another object is none of the reply's") {
  CHECK_FALSE(json_number(R"({"note":"\"task_id\": 5, ","inner":{"task_id":6}})", "task_id").has_value());
}

TEST_CASE("what is not a whole number is none") {
  CHECK_FALSE(json_number(R"({"n": 1.5})", "n").has_value());
  CHECK_FALSE(json_number(R"({"n": "1"})", "n").has_value());
  CHECK_FALSE(json_number(R"({"n": 99999999999999999999})", "n").has_value());
  CHECK(json_number(R"({"n":-4})", "n") == -4);
  CHECK_FALSE(json_string(R"({"n": 4})", "n").has_value());
}

TEST_CASE("torn or foreign text gives nothing") {
  for (const char* text : {"", "[]", "{", "{\"n", "{\"n\"", "{\"n\":", "{\"m\":\"\\", "ok", "{\"m\":[1,2"}) {
    CHECK_FALSE(json_number(text, "n").has_value());
    CHECK_FALSE(json_string(text, "n").has_value());
  }
}

}  // namespace
}  // namespace lab
