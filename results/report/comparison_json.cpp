#include <boost/json.hpp>

#include "results/report/comparison_report.hpp"
#include "results/store/json_words.hpp"

namespace lab {

namespace json = boost::json;

namespace {

json::object spell_row(const ComparedRow& row) {
  const bool relative = row.a.median != 0;
  return {{"arm", json_text(row.name)},
          {"case", json_text(row.case_id)},
          {"stat", to_string(row.stat)},
          {"unit", json_unit(row.stat)},
          {"a", json_estimate(row.a)},
          {"b", json_estimate(row.b)},
          {"shift",
           {{"estimate", row.shift.estimate},
            {"low", json_number(row.shift.low)},
            {"high", json_number(row.shift.high)},
            {"relative", relative ? json_number(row.shift.estimate / row.a.median) : json::value(nullptr)}}},
          {"p", row.shift.p},
          {"p_adjusted", row.p_adjusted},
          {"exact", row.shift.exact},
          {"apart", row.shift.apart},
          {"verdict", json_text(to_string(row.verdict))},
          {"reason", json_text_or_null(row.reason)}};
}

json::object spell_side(const ComparisonReport::Side& side) {
  return {{"path", json_text(side.path)},
          {"started", json_text(side.started_utc)},
          {"noise", json_text(side.noise)},
          {"arm", json_text_or_null(side.arm)}};
}

}  // namespace

std::string comparison_json(const ComparisonReport& report) {
  json::array rows;
  for (const ComparedRow& row : report.rows) rows.push_back(spell_row(row));
  json::array differing;
  for (const DifferingRow& row : report.differing)
    differing.push_back({{"key", json_text(row.key)}, {"a", json_text(row.a)}, {"b", json_text(row.b)}});
  return json::serialize(json::object{{"schema", "lab.compare/1"},
                                      {"scenario", json_text(report.scenario)},
                                      {"a", spell_side(report.a)},
                                      {"b", spell_side(report.b)},
                                      {"tolerance", report.tolerance},
                                      {"slower", report.slower()},
                                      {"inconclusive", report.inconclusive()},
                                      {"rows", std::move(rows)},
                                      {"differing", std::move(differing)},
                                      {"only_a", json_texts(report.only_a)},
                                      {"only_b", json_texts(report.only_b)},
                                      {"warnings", json_texts(report.warnings)}}) +
         "\n";
}

}  // namespace lab
