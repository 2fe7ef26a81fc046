#include "scenarios/loader/loader.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "scenarios/loader/testing/test_modes.hpp"

using namespace lab;

namespace {

constexpr const char* kHead = R"(documents = { D2 = { title = "A guide", contributes = "a log" } }
[runs]
blocking-async = { least_scale = 0.5, cores = 2 }
)";

/// One claim whose last lines are `rest`; the id stands on line 5, the rest begins on line 10.
std::string file_with(const std::string& rest) {
  return std::string(kHead) +
         "[[claims]]\n"
         "id = \"D2-a\"\n"
         "document = \"D2\"\n"
         "section = \"part 9\"\n"
         "claim = \"Ten take 1 s.\"\n"
         "scenario = \"blocking-async\"\n" +
         rest;
}

std::string claim_with(const std::string& condition) {
  return file_with("about = \"concurrency\"\noutcome = \"verified\"\nwhy = \"so\"\ntest = [" + condition +
                   "]\n");
}

std::string error_of(const std::string& text) {
  const Result<ClaimsFile> file = parse_claims(text, "c.toml");
  return file ? "" : file.error().message;
}

ClaimsFile shipped_claims() {
  return load_claims().value();
}

}  // namespace

TEST_CASE("a claim is data: a stat of an arm held against a number, a parameter or another arm") {
  const ClaimsFile file = parse_claims(file_with(R"(about = "concurrency"
outcome = "qualified"
why = "so"
test = [
  { arm = "async-loop", stat = "makespan", is = "about", value = "30ms", within = "20%" },
  { arm = "async-loop", stat = "makespan", is = "below", times = 2, of = "$d" },
]
except = [{ arm = "blocking-loop", stat = "latency.max", is = "above", times = 5, of = { arm = "async-loop" } }]
)"),
                                       "c.toml")
                              .value();
  REQUIRE(file.claims.size() == 1);
  CHECK(file.runs.at("blocking-async").least_scale == 0.5);
  CHECK(file.runs.at("blocking-async").cores == 2);
  const Claim& claim = file.claims.front();
  CHECK(claim.outcome == ClaimOutcome::qualified);
  CHECK(claim.conditions().size() == 3);
  CHECK(claim.tests[0].value == 0.03);
  CHECK(claim.tests[0].within == 0.2);
  CHECK(claim.tests[1].param == "d");
  CHECK(claim.tests[1].times == 2);
  const Condition& exception = claim.exceptions.at(0);
  REQUIRE(exception.right.has_value());
  CHECK(exception.right->arm == "async-loop");
  CHECK(exception.right->stat == exception.left.stat);
  CHECK(exception.left.engine == "native");
}

TEST_CASE("what is wrong with a claims file is reported with its place and the fix") {
  const auto says = [](const std::string& text, const std::string& place, const std::string& what) {
    const std::string message = error_of(text);
    INFO(message);
    CHECK(message.rfind(place, 0) == 0);
    CHECK(message.find(what) != std::string::npos);
  };
  const std::string arm = "{ arm = \"async-loop\", stat = \"makespan\", ";
  says("documents = 3\n", "c.toml:1:", "[documents.D0]");
  says("documents = { D2 = 2 }\n[runs]\n", "c.toml:1:", "a title, or a table with a title");
  says(std::string(kHead) + "[[claim]]\n", "c.toml:4:", "did you mean 'claims'?");
  says(claim_with("{ stat = \"makespan\", is = \"below\", of = \"$d\" }"), "c.toml:13:9", "'arm'");
  says(claim_with(arm + "is = \"belwo\", of = \"$d\" }"), "c.toml:13:", "did you mean 'below'?");
  says(claim_with(arm + "is = \"below\" }"), "c.toml:13:", "compares with one thing");
  says(claim_with(arm + "is = \"below\", value = \"1s\", of = \"$d\" }"),
       "c.toml:13:", "compares with one thing");
  says(claim_with(arm + "is = \"below\", value = 1 }"), "c.toml:13:", "bare number has no unit");
  says(claim_with(arm + "is = \"below\", value = \"$d\" }"), "c.toml:13:", "of = \"$d\"");
  says(claim_with(arm + "is = \"below\", of = \"d\" }"), "c.toml:13:", "is not a parameter");
  says(claim_with(arm + "is = \"about\", of = \"$d\" }"), "c.toml:13:", "needs within");
  says(claim_with(arm + "is = \"below\", of = \"$d\", within = \"5%\" }"), "c.toml:13:", "take none");
  says(claim_with(arm + "is = \"about\", of = \"$d\", within = \"much\" }"), "c.toml:13:", "such as \"20%\"");
  says(claim_with(arm + "is = \"below\", times = 2, value = \"1s\" }"), "c.toml:13:", "times multiplies");
  says(claim_with(arm + "is = \"below\", times = 0, of = \"$d\" }"), "c.toml:13:", "above 0");
  says(claim_with("{ arm = \"a\", stat = \"makspan\", is = \"below\", of = \"$d\" }"),
       "c.toml:13:", "did you mean 'makespan'?");
  says(claim_with("{ arm = \"a\", stat = \"server.threads\", is = \"below\", of = \"$d\" }"),
       "c.toml:13:", "is not a time");
  says(claim_with(""), "c.toml:13:", "at least one is needed");
  std::string python = claim_with(arm + "is = \"below\", of = \"$d\" }");
  python.replace(python.find("concurrency"), 11, "python");
  says(python, "c.toml:10:", "unknown about 'python'");
}

TEST_CASE("a claim about FastAPI is decided by nothing but FastAPI") {
  const std::string rest =
      "about = \"fastapi\"\noutcome = \"verified\"\nwhy = \"so\"\n"
      "test = [{ arm = \"async-loop\", engine = \"native\", stat = \"makespan\", is = \"below\", of = \"$d\" "
      "}]\n";
  CHECK(error_of(file_with(rest)).find("decided by real FastAPI") != std::string::npos);
}

TEST_CASE("a claim that does not say what it is about, and so who decides it, is refused") {
  const std::string test =
      "test = [{ arm = \"async-loop\", stat = \"makespan\", is = \"below\", of = \"$d\" }]\n";
  CHECK(
      error_of(file_with("outcome = \"verified\"\nwhy = \"so\"\n" + test)).find("about = \"concurrency\"") !=
      std::string::npos);
}

TEST_CASE("a row of the log keeps the document's figure as it stands there, with its number") {
  const auto row = [](const std::string& rest) {
    return parse_claims(
        claim_with("{ arm = \"async-loop\", stat = \"makespan\", is = \"below\", of = \"$d\" }") +
            "[[log]]\ndocument = \"D2\"\nplace = \"part 5\"\nwritten = \"sleep(1)\"\n"
            "scenario = \"blocking-async\"\narm = \"async-loop\"\n" +
            rest,
        "c.toml");
  };
  const auto read = [&](const std::string& rest) { return row(rest).value().log.at(0); };
  const std::string time = "stat = \"makespan\"\nclaimed = ";
  CHECK(read(time + "\"~1 second\"\n").value == 1);
  CHECK(read(time + "\"10 seconds\"\n").claimed == "10 seconds");
  CHECK(read(time + "\"<50ms\"\nis = \"below\"\n").value == 0.05);
  CHECK(read(time + "\"<50ms\"\nis = \"below\"\n").relation == Relation::below);
  CHECK(read(time + "\"51ms\"\nfrom = \"1ms\"\n").from == kMillisecond);
  CHECK(read(time + "\"51ms\"\nrequests = 1\n").requests == 1);
  const std::string count = "stat = \"count(status=200)\"\nclaimed = \"1,000\"\n";
  CHECK(read(count + "value = 1000\n").value == 1000);
  CHECK(row(count).error().message.find("value = 1000") != std::string::npos);
  CHECK(row(time + "\"soon\"\n").error().message.find("is not a duration") != std::string::npos);
}

TEST_CASE("only a qualified claim has exceptions, and it needs them") {
  const std::string test =
      "test = [{ arm = \"async-loop\", stat = \"makespan\", is = \"below\", of = \"$d\" }]\n";
  const std::string both = test + "except" + test.substr(4);
  const std::string about = "about = \"concurrency\"\nwhy = \"so\"\n";
  CHECK_FALSE(error_of(file_with(about + "outcome = \"qualified\"\n" + test)).empty());
  CHECK_FALSE(error_of(file_with(about + "outcome = \"refuted\"\n" + both)).empty());
  CHECK(error_of(file_with(about + "outcome = \"qualified\"\n" + both)).empty());
}

TEST_CASE("two claims with one id are refused") {
  const std::string condition = "{ arm = \"async-loop\", stat = \"makespan\", is = \"below\", of = \"$d\" }";
  const std::string one = claim_with(condition);
  const std::string again = one + one.substr(one.find("[[claims]]"));
  CHECK(error_of(again).find("two claims have the id 'D2-a'") != std::string::npos);
}

TEST_CASE("names that a claim takes from a scenario are looked up, with the place in the claims file") {
  const auto settled = [](const std::string& condition) {
    ClaimsFile file = parse_claims(claim_with(condition), "c.toml").value();
    const Result<void> result = settle_claims(file, kTestModes);
    return result ? file.claims[0].tests[0].left.case_id : result.error().message;
  };
  const std::string rest = ", stat = \"makespan\", is = \"below\", of = \"$d\" }";
  CHECK(settled("{ arm = \"async-loop\"" + rest) == "main");
  CHECK(settled("{ arm = \"async-lop\"" + rest).find("c.toml:13:9: scenario blocking-async has no arm") == 0);
  CHECK(settled("{ arm = \"async-loop\", case = \"two\"" + rest).find("has no case 'two'") !=
        std::string::npos);
  CHECK(settled("{ scenario = \"gil\", arm = \"threads\"" + rest).find("several cases") != std::string::npos);
  CHECK(settled("{ scenario = \"gill\", arm = \"threads\"" + rest).find("did you mean 'gil'?") !=
        std::string::npos);
  CHECK(settled("{ scenario = \"thousand-users\", case = \"all-wait\", arm = \"thread-pool\"" + rest)
            .find("only predicted") != std::string::npos);
  CHECK(settled("{ arm = \"async-loop\", stat = \"ping.latency.max\", is = \"below\", of = \"$d\" }")
            .find("unknown route 'ping'") != std::string::npos);
  CHECK(settled("{ arm = \"async-loop\", stat = \"makespan\", is = \"below\", of = \"$e\" }")
            .find("no parameter '$e'") != std::string::npos);
}

TEST_CASE("every claim that is shipped speaks of a scenario, arm, case, stat and parameter that exist") {
  ClaimsFile file = shipped_claims();
  const Result<void> settled = settle_claims(file, kTestModes);
  INFO((settled ? "" : settled.error().message));
  CHECK(settled.has_value());
  CHECK(file.claims.size() >= 60);
  for (const Claim& claim : file.claims) {
    INFO(claim.id);
    CHECK(claim.id.rfind(claim.document, 0) == 0);
    for (const Condition* condition : claim.conditions()) CHECK_FALSE(condition->left.case_id.empty());
  }
  for (const auto& document : file.documents) {
    const bool spoken_of = std::any_of(file.claims.begin(), file.claims.end(),
                                       [&](const Claim& claim) { return claim.document == document.id; });
    CHECK(spoken_of);
  }
}
