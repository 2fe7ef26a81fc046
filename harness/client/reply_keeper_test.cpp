#include "harness/client/request_text.hpp"

#include <catch2/catch.hpp>

namespace lab {
namespace {

void feed(ReplyKeeper& parser, std::string_view bytes) {
  parser.take(bytes);
}

TEST_CASE("stamps are kept only where they are asked for, and only those of the last reply") {
  const std::string head = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n";
  const std::string interim = "HTTP/1.1 103 Early\r\nLab-Read: 1\r\n\r\n";
  ReplyKeeper parser;
  parser.start(false, false, true);
  feed(parser, interim + head + "LAB-started: 5 \r\nLab-Held: loop 1-2\r\nLab-Held: pool 3-4\r\n\r\n");
  REQUIRE(parser.is_whole());
  REQUIRE(parser.stamps() != nullptr);
  CHECK(parser.stamps()->read.empty());
  CHECK(parser.stamps()->started == "5");
  CHECK(parser.stamps()->held == "loop 1-2,pool 3-4");
  parser.start(false, false, true);
  feed(parser, head + "\r\n");
  CHECK(parser.stamps()->started.empty());
  parser.start(false, false, false);
  feed(parser, head + "Lab-Read: 7\r\n\r\n");
  CHECK(parser.stamps() == nullptr);
}

TEST_CASE("of a body that is kept the first 64 KB are") {
  ReplyKeeper parser;
  parser.start(false, true, false);
  feed(parser, "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + std::string(70'000, 'x'));
  feed(parser, std::string(30'000, 'y'));
  CHECK(parser.is_whole());
  CHECK(parser.body() == std::string(65'536, 'x'));
}

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
