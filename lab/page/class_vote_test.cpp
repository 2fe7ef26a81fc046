#include "lab/page/class_vote.hpp"

#include <fmt/format.h>
#include <boost/json.hpp>
#include <catch2/catch.hpp>

#include "lab/core/error.hpp"

using lab::ClassVote;

namespace {

namespace json = boost::json;

constexpr std::string_view kVotedArms =
    R"({"round":1,"question":"Ten at once?","arms":[{"ask":"blocked","choices":["0.1 s","1 s","another"]},)"
    R"({"ask":"awaited","choices":["0.1 s","another"]}]})";

json::value counted(const ClassVote& vote, std::string_view key) {
  return json::parse(vote.counts(3)).at(json::string_view(key.data(), key.size()));
}

json::value shown(const ClassVote& vote, const std::string& phone, std::string_view key) {
  return json::parse(vote.ballot(phone)).at(json::string_view(key.data(), key.size()));
}

}  // namespace

TEST_CASE("Guesses are counted by round, arm and choice") {
  ClassVote vote;
  vote.set(kVotedArms);
  CHECK(vote.cast("a", R"({"vote":1,"guesses":[1,0]})"));
  CHECK(vote.cast("b", R"({"vote":1,"guesses":[0,0]})"));
  CHECK(vote.cast("c", R"({"vote":1,"guesses":[1,1]})"));
  vote.set(R"({"round":2})");
  CHECK(vote.cast("a", R"({"vote":2,"guesses":[1,0]})"));
  CHECK(counted(vote, "counts") == json::parse("[[[1,2,0],[2,1]],[[0,1,0],[1,0]]]"));
  CHECK(counted(vote, "votes") == json::parse("[3,1]"));
  CHECK(counted(vote, "phones") == 3);
}

TEST_CASE("A phone's second guess replaces its first") {
  ClassVote vote;
  vote.set(kVotedArms);
  CHECK(vote.cast("a", R"({"vote":1,"guesses":[0,0]})"));
  CHECK(vote.cast("a", R"({"vote":1,"guesses":[2,1]})"));
  CHECK(counted(vote, "counts").at(0) == json::parse("[[0,0,1],[0,1]]"));
  CHECK(counted(vote, "votes") == json::parse("[1,0]"));
  CHECK(shown(vote, "a", "mine") == json::parse("[2,1]"));
  CHECK(shown(vote, "b", "mine").is_null());
}

TEST_CASE("Only the vote that is open is voted on") {
  ClassVote vote;
  const std::string_view first = R"({"vote":1,"guesses":[0,0]})";
  CHECK_FALSE(vote.cast("a", first));
  CHECK_FALSE(vote.cast("a", R"({"vote":0,"guesses":[]})"));
  vote.set(kVotedArms);
  vote.set(R"({"round":0})");
  CHECK_FALSE(vote.cast("a", first));
  CHECK(shown(vote, "a", "open") == false);
  vote.set(R"({"round":2})");
  CHECK_FALSE(vote.cast("a", first));
  CHECK(counted(vote, "votes") == json::parse("[0,0]"));
}

TEST_CASE("A new question forgets the guesses on the one before it") {
  ClassVote vote;
  vote.set(kVotedArms);
  CHECK(vote.cast("a", R"({"vote":1,"guesses":[0,0]})"));
  vote.set(R"({"round":2})");
  CHECK(vote.cast("a", R"({"vote":2,"guesses":[0,0]})"));
  vote.set(kVotedArms);
  CHECK(counted(vote, "votes") == json::parse("[0,0]"));
  CHECK(shown(vote, "a", "vote") == 3);
  CHECK(shown(vote, "a", "mine").is_null());
}

TEST_CASE("A phone is shown the question and its own guess, and no count") {
  ClassVote vote;
  CHECK(vote.ballot("a") == R"({"vote":0,"round":0,"open":false,"question":"","arms":[],"mine":null})");
  vote.set(kVotedArms);
  CHECK(vote.cast("b", R"({"vote":1,"guesses":[0,0]})"));
  CHECK(shown(vote, "a", "question") == "Ten at once?");
  CHECK(shown(vote, "a", "arms").at(1) == json::parse(R"({"ask":"awaited","choices":["0.1 s","another"]})"));
  CHECK_FALSE(json::parse(vote.ballot("a")).as_object().contains("counts"));
}

TEST_CASE("What is no vote is refused and changes nothing") {
  ClassVote vote;
  vote.set(kVotedArms);
  const std::string before = vote.counts(0);
  const std::string many = R"({"round":1,"question":"","arms":[)" + std::string(5, ' ');
  const std::string row = R"({"ask":"x","choices":["a","b"]})";
  for (const std::string& wrong :
       {std::string(), std::string("[]"), std::string("{"), std::string(R"({"round":3})"),
        std::string(R"({"round":-1})"), std::string(R"({"round":"1"})"), std::string(R"({"round":1})"),
        std::string(R"({"round":1,"question":"?","arms":[]})"),
        fmt::format(R"({{"round":1,"question":7,"arms":[{}]}})", row),
        std::string(R"({"round":1,"question":"?","arms":[{"ask":"x","choices":["a"]}]})"),
        fmt::format(R"({{"round":1,"question":"{}","arms":[{}]}})", std::string(2'001, 'x'), row),
        fmt::format("{0}{1},{1},{1},{1},{1}]}}", many, row)}) {
    CAPTURE(wrong.substr(0, 80));
    CHECK_THROWS_AS(vote.set(wrong), lab::Failure);
  }
  for (const char* wrong :
       {"", "{}", "7", R"({"vote":1})", R"({"vote":1,"guesses":[0]})", R"({"vote":1,"guesses":[0,2]})",
        R"({"vote":1,"guesses":[-1,0]})", R"({"vote":1,"guesses":[0.5,0]})",
        R"({"vote":1,"guesses":["0","0"]})", R"({"vote":1,"guesses":[0,0,0]})"}) {
    CAPTURE(wrong);
    CHECK_THROWS_AS(vote.cast("a", wrong), lab::Failure);
  }
  CHECK(vote.counts(0) == before);
  ClassVote fresh;
  CHECK_THROWS_AS(fresh.set(R"({"round":2})"), lab::Failure);
}
