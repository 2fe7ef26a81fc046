#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "results/render/as_json.hpp"
#include "results/report/diagnosis.hpp"
#include "results/report/format.hpp"

namespace lab {

namespace {

namespace json = boost::json;

constexpr const char* kRoot = "%SRCROOT%";

/// As RFC 3986 has the path of a URI.
std::string uri_path(const std::string& path) {
  std::string uri;
  for (const unsigned char letter : path) {
    const bool plain = has_only_letters({reinterpret_cast<const char*>(&letter), 1}, "-._~/");
    uri += plain ? std::string(1, static_cast<char>(letter)) : fmt::format("%{:02X}", letter);
  }
  return uri;
}

/// A place in a file: relative to the server's folder, as code review shows it, where it is below that.
json::object location(const CodePlace& place, const std::string& root, const std::string& source) {
  json::object file{{"uri", "file://" + uri_path(place.file)}};
  if (!root.empty() && place.file.starts_with(root))
    file = {{"uri", uri_path(place.file.substr(root.size()))}, {"uriBaseId", kRoot}};
  json::object region{{"startLine", std::max(1, place.line)}};
  if (!source.empty()) region["snippet"] = {{"text", as_json(source)}};
  return {{"physicalLocation", {{"artifactLocation", std::move(file)}, {"region", std::move(region)}}}};
}

json::object rule_of(const LineReport& line) {
  return {
      {"id", as_json(line.id)},
      {"shortDescription", {{"text", as_json(line.title)}}},
      {"help", {{"text", as_json(fmt::format("What it means, and what to do: lab explain {}", line.id))}}},
      {"defaultConfiguration", {{"level", "warning"}}}};
}

json::object result_of(const LineReport& line, const std::string& url, const std::string& root) {
  std::string text = fmt::format("{} ({}): {}.", line.title, url, line.says);
  for (const LineFix& fix : line.fixes) text += fmt::format(" Fix: {}.", fix.text);
  json::array callers;
  for (const CodePlace& place : line.line.called_from) {
    json::object caller = location(place, root, "");
    caller["message"] = {{"text", as_json(fmt::format("called from {}()", place.function))}};
    callers.push_back(std::move(caller));
  }
  return {{"ruleId", as_json(line.id)},
          {"level", "warning"},
          {"message", {{"text", as_json(text)}}},
          {"locations", json::array{location(line.line.place, root, line.line.source)}},
          {"relatedLocations", std::move(callers)}};
}

/// SARIF 2.1.0 (OASIS): one result for each line that is named, for code review.
Result<std::string> to_sarif(const FormatInput& input) {
  const DiagnosisReport& report = *input.diagnosis;
  json::array results, rules;
  std::vector<std::string> known;
  std::string root = report.inside ? report.inside->folder : "";
  if (!root.empty() && !root.ends_with('/')) root += '/';
  for (const LineReport& line : report.inside ? report.inside->lines : std::vector<LineReport>{}) {
    if (line.line.place.file.empty()) continue;
    if (!contains(known, line.id)) {
      known.push_back(line.id);
      rules.push_back(rule_of(line));
    }
    results.push_back(result_of(line, report.url, root));
  }
  json::object run{{"tool", {{"driver", {{"name", "lab diagnose"}, {"rules", std::move(rules)}}}}},
                   {"invocations", json::array{{{"executionSuccessful", !report.seen.interrupted}}}},
                   {"results", std::move(results)}};
  if (!root.empty()) run["originalUriBaseIds"] = {{kRoot, {{"uri", "file://" + uri_path(root)}}}};
  return json_line({{"$schema", "https://json.schemastore.org/sarif-2.1.0.json"},
                    {"version", "2.1.0"},
                    {"runs", json::array{std::move(run)}}});
}

}  // namespace

extern const ReportFormat k_format_sarif{.word = "sarif", .write = to_sarif, .of_diagnosis = true};

}  // namespace lab
