#include <boost/json.hpp>
#include <cmath>

#include "results/comparison_report.hpp"
#include "results/utf8.hpp"

namespace lab {

namespace json = boost::json;

namespace {

json::string text(const std::string& value) {
  return json::string(valid_utf8(value));
}

json::value text_or_null(const std::string& value) {
  if (value.empty()) return nullptr;
  return text(value);
}

json::value number(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return *value;
}

json::object figure(const Figure& one) {
  return {{"median", one.median},
          {"low", number(one.low)},
          {"high", number(one.high)},
          {"all", json::array(one.all.begin(), one.all.end())}};
}

json::object spell_row(const ComparedRow& row) {
  const bool relative = row.a.median != 0;
  return {{"arm", text(row.name)},
          {"case", text(row.case_id)},
          {"stat", text(row.stat)},
          {"unit", row.is_time    ? json::value("s")
                   : row.is_bytes ? json::value("bytes")
                                  : json::value(nullptr)},
          {"a", figure(row.a)},
          {"b", figure(row.b)},
          {"shift",
           {{"estimate", row.shift},
            {"low", number(row.shift_low)},
            {"high", number(row.shift_high)},
            {"relative", relative ? number(row.shift / row.a.median) : json::value(nullptr)}}},
          {"p", row.p},
          {"p_adjusted", row.p_adjusted},
          {"exact", row.exact},
          {"verdict", text(row.verdict)},
          {"reason", text_or_null(row.reason)}};
}

json::object spell_side(const ComparisonReport::Side& side) {
  return {{"path", text(side.path)},
          {"started", text(side.started_utc)},
          {"noise", text(side.noise)},
          {"arm", text_or_null(side.arm)}};
}

json::array texts(const std::vector<std::string>& all) {
  json::array array;
  for (const std::string& one : all) array.push_back(text(one));
  return array;
}

}  // namespace

std::string comparison_json(const ComparisonReport& report) {
  json::array rows;
  for (const ComparedRow& row : report.rows) rows.push_back(spell_row(row));
  json::array differing;
  for (const DifferingRow& row : report.differing)
    differing.push_back({{"key", text(row.key)}, {"a", text(row.a)}, {"b", text(row.b)}});
  return json::serialize(json::object{{"schema", "lab.compare/1"},
                                      {"scenario", text(report.scenario)},
                                      {"a", spell_side(report.a)},
                                      {"b", spell_side(report.b)},
                                      {"tolerance", report.tolerance},
                                      {"slower", report.slower()},
                                      {"rows", std::move(rows)},
                                      {"differing", std::move(differing)},
                                      {"only_a", texts(report.only_a)},
                                      {"only_b", texts(report.only_b)},
                                      {"warnings", texts(report.warnings)}}) +
         "\n";
}

}  // namespace lab
