#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "lab/core/text.hpp"
#include "lab/report/verify_spell.hpp"

namespace lab {

namespace {

/// Markdown's own signs in a cell.
std::string cell(const std::string& text) {
  std::string safe;
  for (const char letter : text) {
    if (letter == '|' || letter == '*' || letter == '_' || letter == '<') safe += '\\';
    safe += letter == '\n' ? ' ' : letter;
  }
  return safe;
}

std::string tests_of(const Claim& claim) {
  std::vector<std::string> parts;
  for (const Condition& condition : claim.tests) parts.push_back(cell(describe(condition)));
  for (const Condition& condition : claim.exceptions) parts.push_back("but not " + cell(describe(condition)));
  return join(parts, "; ");
}

std::size_t count_of(const ClaimsFile& file, ClaimOutcome outcome) {
  return static_cast<std::size_t>(std::count_if(
      file.claims.begin(), file.claims.end(), [&](const Claim& claim) { return claim.outcome == outcome; }));
}

}  // namespace

std::string claims_page(const ClaimsFile& file) {
  const auto about_fastapi = std::count_if(file.claims.begin(), file.claims.end(),
                                           [](const Claim& claim) { return claim.about_fastapi; });
  std::set<std::string> scenarios;
  for (const Claim& claim : file.claims) {
    for (const std::string& name : claim.scenarios()) scenarios.insert(name);
  }
  std::string text = fmt::format(
      "# What the documents claim, and what a run says\n\n"
      "{} statements that can be tested: {} verified, {} refuted, {} qualified (true in one situation, not "
      "in "
      "another). {} are about\nFastAPI and decided by real FastAPI, the others by the lab's own servers; {} "
      "experiments test them. `lab verify` runs them all and\nends with exit code 1 where an outcome differs "
      "from "
      "this page; `lab verify --claim ID` shows one with its figures.\n\n"
      "Made from `results/claims.toml` by `lab verify --page`.\n",
      file.claims.size(), count_of(file, ClaimOutcome::verified), count_of(file, ClaimOutcome::refuted),
      count_of(file, ClaimOutcome::qualified), about_fastapi, scenarios.size());
  for (const auto& [document, title] : file.documents) {
    text += fmt::format(
        "\n## {}: {}\n\n| claim | where | about | outcome | tested by | why |\n|---|---|---|---|---|---|\n",
        document, title);
    for (const Claim& claim : file.claims) {
      if (claim.document != document) continue;
      text += fmt::format("| `{}` {} | {} | {} | **{}** | {} | {} |\n", claim.id, cell(claim.text),
                          cell(claim.section), claim.about_fastapi ? "FastAPI" : "concurrency",
                          to_string(claim.outcome), tests_of(claim), cell(claim.why));
    }
  }
  return text;
}

}  // namespace lab
