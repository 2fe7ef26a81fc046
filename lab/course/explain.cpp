#include "lab/course/explain.hpp"

#include <algorithm>
#include <map>

#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "results/render/as_json.hpp"
#include "scenarios/loader/described_toml.hpp"

namespace lab {

namespace {

namespace json = boost::json;

constexpr std::size_t kExplainTag = 9;

std::string with_case(const std::string& arm, const std::string& case_id) {
  return case_id.empty() ? arm : fmt::format("{} ({})", arm, case_id);
}

std::vector<SickArm> arms_with(const FindingBook& book, const std::string& id) {
  std::vector<SickArm> arms = book.arms.sick;
  std::erase_if(arms, [&](const SickArm& arm) { return !contains(arm.findings, id); });
  return arms;
}

/// `gil: threads-gil (four-compute); qr-code: def-gil`
std::string sick_arms_of(const FindingBook& book, const std::string& id) {
  std::vector<std::string> parts;
  std::map<std::string, std::size_t> places;
  for (const SickArm& sick : arms_with(book, id)) {
    const auto [place, fresh] = places.emplace(sick.scenario, parts.size());
    if (fresh) parts.push_back(sick.scenario + ":");
    parts[place->second] += (fresh ? " " : ", ") + with_case(sick.arm, sick.case_id);
  }
  return join(parts, "; ");
}

json::object object_of(const FindingBook& book, const FindingEntry& entry) {
  json::array sick;
  for (const SickArm& arm : arms_with(book, entry.id))
    sick.push_back({{"scenario", arm.scenario}, {"arm", arm.arm}, {"case", json_text_or_null(arm.case_id)}});
  return {{"id", entry.id},
          {"title", entry.title},
          {"what", entry.what},
          {"seen", entry.seen},
          {"cpp", as_json(entry.cpp)},
          {"fastapi", as_json(entry.fastapi)},
          {"command", entry.shown.command},
          {"scenario", entry.shown.scenario},
          {"sick_arm", entry.shown.sick},
          {"healthy_arm", json_text_or_null(entry.shown.healthy)},
          {"sick_arms", std::move(sick)}};
}

}  // namespace

FindingBook read_finding_book(std::string_view text) {
  FindingBook book = read_described<FindingBook>(text, "findings.toml");
  for (FindingEntry& entry : book.finding) {
    auto& [scenario, sick, sick_case, healthy, healthy_case, command] = entry.shown;
    if (!command.empty()) continue;
    const bool both = !healthy.empty() && healthy != sick;
    command = fmt::format("lab run {} --arms {}{}{}", scenario, sick, both ? "," : "", both ? healthy : "");
  }
  return book;
}

const FindingBook& finding_book() {
  static const FindingBook kBook = read_finding_book(kFindingsText);
  return kBook;
}

const FindingEntry& FindingBook::find(const std::string& id) const {
  std::string wanted = id;
  std::ranges::transform(wanted, wanted.begin(), [](char letter) {
    return letter >= 'a' && letter <= 'z' ? letter - 'a' + 'A' : letter;
  });
  if (!wanted.empty() && wanted.find_first_not_of("0123456789") == std::string::npos) wanted = "LAB" + wanted;
  std::vector<std::string> known;
  for (const FindingEntry& entry : finding) {
    if (entry.id == wanted) return entry;
    known.push_back(entry.id);
  }
  throw Failure(usage_error("unknown finding '{}'{}", id.substr(0, 40), suggestion(wanted, known)));
}

std::string explain_as_text(const FindingBook& book, const FindingEntry& entry, const TextStyle& style) {
  const FindingEntry::Shown& shown = entry.shown;
  std::string text = printable(fmt::format("{}  {}", entry.id, entry.title), style.ascii) + "\n\n";
  text += tagged("WHAT", entry.what, style, kExplainTag) + tagged("SEEN", entry.seen, style, kExplainTag);
  text += tagged_code("C++", join(entry.cpp, "\n"), style, kExplainTag);
  text += tagged_code("FASTAPI", join(entry.fastapi, "\n"), style, kExplainTag);
  text += tagged_command("SEE IT", shown.command, style, kExplainTag);
  const std::string sick = sick_arms_of(book, entry.id);
  if (!sick.empty()) text += tagged("SHOWS IT", sick, style, kExplainTag);
  if (shown.healthy.empty()) return text;
  return text + tagged("HEALTHY", shown.scenario + ": " + with_case(shown.healthy, shown.healthy_case), style,
                       kExplainTag);
}

std::string list_findings(const FindingBook& book, const TextStyle& style) {
  std::string text = "Findings: queues at a resource, and promises that were broken\n";
  for (const FindingEntry& entry : book.finding)
    text += printable(fmt::format("  {}  {}", entry.id, entry.title), style.ascii) + "\n";
  return text + as_called("\nNext: lab explain LAB101\n");
}

std::string explain_as_json(const FindingBook& book, const std::vector<const FindingEntry*>& entries) {
  json::array findings;
  for (const FindingEntry* entry : entries) findings.push_back(object_of(book, *entry));
  return json_line({{"schema", "lab.explain/1"}, {"findings", std::move(findings)}});
}

}  // namespace lab
