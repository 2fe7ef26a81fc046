#include "lab/course/explain.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <map>

#include "lab/core/command_word.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/wrap.hpp"

namespace lab {

namespace {

namespace json = boost::json;

constexpr std::size_t kExplainColumns = 80;
constexpr std::size_t kExplainTag = 9;

/// `WHAT     one paragraph`, going on below itself.
std::string paragraph(const std::string& tag, const std::string& text, bool ascii) {
  return wrapped_text(text, pad(tag, kExplainTag), kExplainTag, kExplainColumns, ascii);
}

/// A command that can be pasted, however long it is.
std::string command(const std::string& tag, const std::string& text) {
  return join(wrap(text, pad(tag, kExplainTag), kExplainTag, kExplainColumns - 2), " \\\n") + "\n";
}

/// Code as it stands; the tag is in front of its first line.
std::string code(const std::string& tag, const std::vector<std::string>& lines, bool ascii) {
  std::string text;
  for (const std::string& line : lines)
    text += pad(text.empty() ? tag : "", kExplainTag) + printable(as_called(line), ascii) + "\n";
  return text;
}

bool shows(const SickArm& arm, const std::string& id) {
  return std::find(arm.findings.begin(), arm.findings.end(), id) != arm.findings.end();
}

std::string with_case(const std::string& arm, const std::string& case_id) {
  return case_id.empty() ? arm : fmt::format("{} ({})", arm, case_id);
}

/// `gil: threads-gil (four-compute); qr-code: def-gil`
std::string sick_arms_of(const FindingBook& book, const std::string& id) {
  std::vector<std::string> scenarios;
  std::map<std::string, std::vector<std::string>> arms;
  for (const SickArm& sick : book.sick_arms) {
    if (!shows(sick, id)) continue;
    if (arms.find(sick.scenario) == arms.end()) scenarios.push_back(sick.scenario);
    arms[sick.scenario].push_back(with_case(sick.arm, sick.case_id));
  }
  std::vector<std::string> parts;
  for (const std::string& scenario : scenarios)
    parts.push_back(fmt::format("{}: {}", scenario, join(arms[scenario], ", ")));
  return join(parts, "; ");
}

json::array lines_of(const std::vector<std::string>& lines) {
  json::array array;
  for (const std::string& line : lines) array.emplace_back(line);
  return array;
}

json::object object_of(const FindingBook& book, const FindingEntry& entry) {
  json::array sick;
  for (const SickArm& arm : book.sick_arms) {
    if (!shows(arm, entry.id)) continue;
    json::object row{{"scenario", arm.scenario}, {"arm", arm.arm}, {"case", nullptr}};
    if (!arm.case_id.empty()) row["case"] = arm.case_id;
    sick.push_back(std::move(row));
  }
  json::object object{
      {"id", entry.id},           {"title", entry.title},        {"what", entry.what},
      {"seen", entry.seen},       {"cpp", lines_of(entry.cpp)},  {"fastapi", lines_of(entry.fastapi)},
      {"command", entry.command}, {"scenario", entry.scenario},  {"sick_arm", entry.sick},
      {"healthy_arm", nullptr},   {"sick_arms", std::move(sick)}};
  if (!entry.healthy.empty()) object["healthy_arm"] = entry.healthy;
  return object;
}

}  // namespace

std::string explain_as_text(const FindingBook& book, const FindingEntry& entry, bool ascii) {
  std::string text = printable(fmt::format("{}  {}", entry.id, entry.title), ascii) + "\n\n";
  text += paragraph("WHAT", entry.what, ascii);
  text += paragraph("SEEN", entry.seen, ascii);
  text += code("C++", entry.cpp, ascii);
  text += code("FASTAPI", entry.fastapi, ascii);
  text += command("SEE IT", entry.command);
  const std::string sick = sick_arms_of(book, entry.id);
  if (!sick.empty()) text += paragraph("SHOWS IT", sick, ascii);
  if (!entry.healthy.empty()) {
    text +=
        paragraph("HEALTHY",
                  fmt::format("{}: {}", entry.scenario, with_case(entry.healthy, entry.healthy_case)), ascii);
  }
  return text;
}

std::string list_findings(const FindingBook& book, bool ascii) {
  std::string text = "Findings: queues at a resource, and promises that were broken\n";
  for (const FindingEntry& entry : book.entries)
    text += printable(fmt::format("  {}  {}", entry.id, entry.title), ascii) + "\n";
  return text + as_called("\nNext: lab explain LAB101\n");
}

std::string explain_as_json(const FindingBook& book, const std::vector<const FindingEntry*>& entries) {
  json::array findings;
  for (const FindingEntry* entry : entries) findings.push_back(object_of(book, *entry));
  return json::serialize(json::object{{"schema", "lab.explain/1"}, {"findings", std::move(findings)}}) + "\n";
}

}  // namespace lab
