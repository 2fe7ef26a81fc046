#include "lab/report/absent_arms.hpp"

#include <algorithm>
#include <cctype>

#include "lab/experiment/engines.hpp"
#include "lab/servers/mode.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

bool is_part_of_a_word(char letter) {
  return std::isalnum(static_cast<unsigned char>(letter)) != 0 || letter == '-' || letter == '_';
}

bool contains_word(const std::string& text, const std::string& word) {
  for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
    const std::size_t end = at + word.size();
    const bool begins = at == 0 || !is_part_of_a_word(text[at - 1]);
    if (begins && (end == text.size() || !is_part_of_a_word(text[end]))) return true;
  }
  return false;
}

bool is_name(const std::string& id) {
  return std::any_of(id.begin(), id.end(),
                     [](char letter) { return std::isalpha(static_cast<unsigned char>(letter)) == 0; });
}

/// `0.03` of `~0.03s`.
std::string figure_in(const std::string& documented) {
  constexpr const char* kDigits = "0123456789.";
  const std::size_t from = documented.find_first_of(kDigits);
  if (from == std::string::npos) return "";
  return documented.substr(from, documented.find_first_not_of(kDigits, from) - from);
}

bool is_about(const std::string& text, const Arm& arm) {
  if (is_name(arm.id) && contains_word(text, arm.id)) return true;
  return std::any_of(arm.documented.begin(), arm.documented.end(), [&](const Documented& documented) {
    const std::string figure = figure_in(documented.text);
    return figure.find('.') != std::string::npos && contains_word(text, figure);
  });
}

}  // namespace

bool speaks_of_absent(const std::string& text, const Scenario& scenario, const std::vector<ArmAnalysis>& arms,
                      bool ours) {
  const auto written = parse_scenario(scenario.source, scenario.file, known_modes());
  if (!written) return false;
  const auto present = [&](const Arm& arm) {
    return std::any_of(arms.begin(), arms.end(), [&](const ArmAnalysis& row) {
      const bool is_ours = row.report.engine.is(kNative) || row.report.engine.is(kModel);
      return (is_ours || !ours) && row.report.written == arm.id;
    });
  };
  return std::any_of(written->arms.begin(), written->arms.end(),
                     [&](const Arm& arm) { return !present(arm) && is_about(text, arm); });
}

}  // namespace lab
