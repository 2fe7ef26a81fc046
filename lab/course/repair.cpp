#include "lab/course/repair.hpp"

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <optional>
#include <utility>

#include "harness/external/supervisor.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/json_members.hpp"
#include "lab/core/process.hpp"
#include "lab/core/temporary.hpp"
#include "results/render/as_json.hpp"
#include "results/render/formatting.hpp"

namespace lab {

namespace {

namespace json = boost::json;

/// A diagnosis takes 20 s at most, and longer on a busy machine.
constexpr Nanos kDiagnosisPatience = 60 * kSecond;

/// What the checks are about.
struct RepairFacts {
  std::string failure{};  ///< why nothing else is known
  std::optional<double> alone_s{}, together_s{};
  std::vector<std::string> blamed{};
  std::optional<bool> blocked{};
};

/// `report.py:17 in ask_database(): time.sleep(0.05)`
std::string place_text(const JsonMembers& place) {
  if (!place.real("line")) return place.text("call");
  const std::string function = place.text("function"), source = place.text("source");
  return fmt::format("{}:{}{}{}", std::filesystem::path(place.text("file")).filename().string(),
                     place.count("line"), function.empty() ? "" : fmt::format(" in {}()", function),
                     source.empty() ? "" : ": " + source);
}

RepairFacts facts_in(const JsonMembers& said) {
  RepairFacts facts;
  facts.alone_s = said.real("service_s");
  const json::array& evidence = said.list("evidence");
  if (!evidence.empty()) facts.together_s = JsonMembers(evidence.back()).real("makespan_s");
  facts.blocked = said.flag("loop_blocked");
  for (const json::value& place : said.object("inside").list("places"))
    facts.blamed.push_back(place_text(JsonMembers(place)));
  return facts;
}

RepairSheet sheet_of(const Repair& repair, const RepairFacts& facts) {
  RepairSheet sheet;
  sheet.repair = repair;
  const auto check = [&](std::string id, std::string text, bool right, std::string found) {
    sheet.checks.push_back({std::move(id), std::move(text), right ? "" : std::move(found)});
    sheet.grades.push_back({"", right, ""});
  };
  const auto took = [](const std::optional<double>& span_s) {
    return span_s ? format_seconds(*span_s) : std::string("not measured");
  };
  check("works",
        fmt::format("A request alone is answered, and takes at least {}.",
                    format_seconds(repair.at_least.value)),
        facts.alone_s.value_or(0) >= repair.at_least.value,
        facts.failure.empty() ? took(facts.alone_s) : facts.failure);
  check("line", "No line of it is to blame.", facts.failure.empty() && facts.blamed.empty(),
        facts.blamed.empty() ? "" : facts.blamed.front());
  check("ping", fmt::format("Meanwhile {} is answered at once.", repair.ping), facts.blocked == false,
        facts.blocked ? "The event loop is blocked." : "");
  check("time",
        fmt::format("{} at once are answered within {}.", repair.at_once.value,
                    format_seconds(repair.at_most.value)),
        facts.together_s && *facts.together_s <= repair.at_most.value, took(facts.together_s));
  return sheet;
}

std::string with_python(std::string command, const std::string& python) {
  const std::string_view word = "{python}";
  if (const std::size_t at = command.find(word); at != std::string::npos)
    command.replace(at, word.size(), python);
  return command;
}

}  // namespace

const RepairBook& repair_book() {
  static const RepairBook kBook = read_described<RepairBook>(kRepairsText, "repairs.toml");
  return kBook;
}

const Repair& RepairBook::find(const std::string& id) const {
  std::vector<std::string> known;
  for (const Repair& repair : repairs) {
    if (repair.id == id) return repair;
    known.push_back(repair.id);
  }
  throw Failure(usage_error("--repair: there is no '{}'; there are {}", id.substr(0, 40), join(known, ", ")));
}

RepairSheet grade_diagnosis(const Repair& repair, std::string_view diagnosis) {
  json::error_code problem;
  const json::value document = json::parse({diagnosis.data(), diagnosis.size()}, problem);
  const JsonMembers said(document);
  if (problem || said.object("inside").empty())
    throw Failure(environment_error("the diagnosis of {} does not say what is inside it", repair.file));
  return sheet_of(repair, facts_in(said));
}

RepairSheet grade_repair(const Repair& repair, const std::string& app, const std::string& python) {
  const TemporaryFolder folder = TemporaryFolder::create("lab-servers").value();
  const std::filesystem::path path = folder.path() / repair.file;
  if (!(std::ofstream(path, std::ios::binary) << app).flush())
    throw Failure(environment_error("{}: cannot be written", path.string()));
  const SupervisedProgram program{
      {program_path().string(), "diagnose", "--server", with_python(repair.server, python), repair.route,
       "--ping", repair.ping, "--max-concurrency", fmt::format("{}", repair.at_once.value), "--budget", "15s",
       "--format", "json", "--quiet"},
      folder.path().string(),
      {{"PYTHONDONTWRITEBYTECODE", "1"}}};
  const auto diagnosis = run_to_end(program, kDiagnosisPatience);
  if (!diagnosis) return sheet_of(repair, {.failure = diagnosis.error().message});
  return grade_diagnosis(repair, diagnosis->output());
}

std::string repair_text(const RepairSheet& sheet, const TextStyle& style) {
  std::string text = fmt::format("{} of {} points\n", sheet.right(), sheet.grades.size());
  text += tagged("OF", sheet.repair.id, style) + "\n";
  for (std::size_t i = 0; i < sheet.checks.size(); ++i) {
    const RepairCheck& check = sheet.checks[i];
    text += tagged(sheet.grades[i].right ? "RIGHT" : "WRONG", check.text, style);
    if (!check.found.empty()) text += tagged("", check.found, style);
  }
  return text + sheet.verdict();
}

std::string repair_json(const RepairSheet& sheet) {
  json::object object{{"schema", "lab.repair/1"},
                      {"repair", sheet.repair.id},
                      {"file", sheet.repair.file},
                      {"score", sheet.score()},
                      {"points", sheet.right()},
                      {"of", sheet.grades.size()},
                      {"passed", sheet.pass ? json::value(sheet.passed()) : nullptr}};
  json::array& checks = object["checks"].emplace_array();
  for (std::size_t i = 0; i < sheet.checks.size(); ++i) {
    const RepairCheck& check = sheet.checks[i];
    checks.push_back({{"id", check.id},
                      {"text", check.text},
                      {"correct", sheet.grades[i].right},
                      {"found", json_text_or_null(check.found)}});
  }
  return json_line(object);
}

std::string repair_json(const Repair& repair) {
  return json_line({{"schema", "lab.repair/1"},
                    {"repair", repair.id},
                    {"file", repair.file},
                    {"text", json_text(repair.text)}});
}

}  // namespace lab
