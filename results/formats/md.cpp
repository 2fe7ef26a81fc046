#include <fmt/format.h>

#include "lab/core/text.hpp"
#include "results/render/formatting.hpp"
#include "results/report/format.hpp"
#include "results/report/lanes.hpp"

namespace lab {

namespace {

std::string to_markdown(const Report& report) {
  std::string out;
  if (report.predicted_only) out += "Virtual time: nothing was run.\n\n";
  if (!report.predicted_only && !report.question.empty()) out += markdown_text(report.question) + "\n\n";
  if (!report.complete) out += "Incomplete: " + markdown_text(report.incomplete_reason) + "\n\n";
  const Table workers = make_worker_table(report);
  out += markdown_table(make_table(report, false));
  if (!workers.rows.empty()) out += "\n" + markdown_table(workers);
  for (const ArmReport& arm : report.arms) {
    const auto deaths = mapped(drawn_deaths(arm), [](const WorkerDeath& death) { return describe(death); });
    if (!deaths.empty())
      out += "\n" + markdown_text(fmt::format("{}: {}.", name_on_engine(arm), join(deaths, "; "))) + "\n";
  }
  return out;
}

}  // namespace

extern const ReportFormat k_format_md{"md", [](const FormatInput& input) -> Result<std::string> {
                                        return one_by_one(input, "\n", to_markdown);
                                      }};

}  // namespace lab
