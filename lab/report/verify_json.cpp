#include <boost/json.hpp>

#include "lab/report/verify_spell.hpp"
#include "results/store/json_words.hpp"

namespace lab {

namespace json = boost::json;

namespace {

json::object spell_condition(const Condition& condition, bool exception) {
  return {{"text", json_text(describe(condition))},
          {"scenario", json_text(condition.left.scenario)},
          {"engine", json_text(condition.left.engine)},
          {"arm", json_text(condition.left.arm)},
          {"case", json_text(condition.left.case_id)},
          {"stat", json_text(to_string(condition.left.stat))},
          {"exception", exception}};
}

json::object spell_claim(const Claim& claim) {
  return {{"id", json_text(claim.id)},           {"document", json_text(claim.document)},
          {"section", json_text(claim.section)}, {"about", claim.about_fastapi ? "fastapi" : "concurrency"},
          {"claim", json_text(claim.text)},      {"on_record", json::string(to_string(claim.outcome))},
          {"why", json_text(claim.why)}};
}

json::value spell_spread(const std::optional<Estimate>& spread) {
  if (!spread) return nullptr;
  return json::object{{"median", spread->median}, {"low", *spread->low}, {"high", *spread->high}};
}

json::object spell_check(const ConditionCheck& check, bool exception) {
  json::object object = spell_condition(*check.condition, exception);
  object["measured"] = spell_spread(check.measured);
  object["all"] = json::array(check.left.values.begin(), check.left.values.end());
  object["limit"] = spell_spread(check.limit);
  object["scale"] = check.scale;
  object["recorded"] = check.recorded;
  object["holds"] =
      check.truth == Truth::undecided ? json::value(nullptr) : json::value(check.truth == Truth::holds);
  object["reason"] = json_text_or_null(check.reason);
  return object;
}

json::array ids(const std::vector<const ClaimCheck*>& checks) {
  json::array array;
  for (const ClaimCheck* check : checks) array.push_back(json_text(check->claim->id));
  return array;
}

json::array spell_times(const VerifyResult& result) {
  json::array array;
  for (const BatchTime& time : result.times) {
    array.emplace_back(json::object{{"scenario", json_text(time.scenario)},
                                    {"engine", json_text(time.engine)},
                                    {"again", time.again},
                                    {"seconds", time.seconds}});
  }
  return array;
}

std::string document(const json::object& object) {
  return json::serialize(object) + "\n";
}

}  // namespace

std::string verify_json(const VerifyResult& result) {
  json::array claims;
  for (const ClaimCheck& check : result.claims) {
    json::object object = spell_claim(*check.claim);
    object["outcome"] = json::string(to_string(check.finding));
    object["as_on_record"] = check.as_recorded();
    object["recorded"] = check.by_recording();
    json::array conditions;
    for (const ConditionCheck& one : check.checks)
      conditions.push_back(spell_check(one, conditions.size() >= check.claim->tests.size()));
    object["conditions"] = std::move(conditions);
    claims.push_back(std::move(object));
  }
  json::array noise;
  for (const std::string& one : result.noise) noise.push_back(json_text(one));
  return document({{"schema", "lab.verify/1"},
                   {"complete", !result.interrupted},
                   {"scale", result.scale},
                   {"repetitions", result.repetitions},
                   {"runs", result.times.size()},
                   {"times", spell_times(result)},
                   {"not_decided", result.not_decided},
                   {"seconds", result.seconds},
                   {"noise", std::move(noise)},
                   {"verified", result.count(ClaimFinding::verified)},
                   {"refuted", result.count(ClaimFinding::refuted)},
                   {"qualified", result.count(ClaimFinding::qualified)},
                   {"recorded", result.recorded()},
                   {"differing", ids(result.differing())},
                   {"inconclusive", ids(result.undecided())},
                   {"claims", std::move(claims)}});
}

std::string list_json(const std::vector<const Claim*>& claims) {
  json::array array;
  for (const Claim* claim : claims) {
    json::object object = spell_claim(*claim);
    json::array conditions;
    for (const Condition* condition : claim->conditions())
      conditions.push_back(spell_condition(*condition, conditions.size() >= claim->tests.size()));
    object["conditions"] = std::move(conditions);
    array.push_back(std::move(object));
  }
  return document({{"schema", "lab.claims/1"}, {"claims", std::move(array)}});
}

}  // namespace lab
