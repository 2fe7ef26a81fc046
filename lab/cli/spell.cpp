#include "lab/cli/spell.hpp"

#include "results/render/html.hpp"

namespace lab {

namespace {

std::string all_json(const std::vector<Report>& reports) {
  if (reports.size() == 1) return to_json(reports.front());
  std::string text = "{\"schema\": \"lab.runs/1\", \"runs\": [";
  for (const Report& report : reports) text += (&report == &reports.front() ? "" : ",") + to_json(report);
  return text + "]}\n";
}

}  // namespace

std::string spell(const std::vector<Report>& reports, const OutputOptions& output) {
  if (output.format == Format::json) return all_json(reports);
  if (output.format == Format::html) return to_html(reports);
  std::string text;
  for (const Report& report : reports) {
    if (!text.empty() && output.format != Format::csv) text += "\n";
    switch (output.format) {
      case Format::svg: text += to_svg(report); break;
      case Format::markdown: text += to_markdown(report); break;
      case Format::csv: {
        const std::string csv = to_csv(report);
        text += text.empty() ? csv : csv.substr(csv.find('\n') + 1);  // one heading for all
        break;
      }
      default: text += to_text(report, output.style); break;
    }
  }
  return text;
}

}  // namespace lab
