#include <algorithm>

#include "lab/cli/command.hpp"
#include "lab/core/terminal.hpp"
#include "lab/experiment/recordings.hpp"
#include "lab/experiment/report.hpp"
#include "lab/page/files.hpp"
#include "results/report/format.hpp"
#include "results/report/load_report.hpp"
#include "results/store/set_aside.hpp"

namespace lab {

namespace {

const ReportFormat& format_of(const OutputOptions& output) {
  const auto all = report_formats();
  return **std::ranges::find_if(
      all, [&](const ReportFormat* format) { return output.format.word == format->word; });
}

struct ReportOptions {
  std::string run;
  bool emulated_tools = false;
  ArmChoice chosen;
  PictureStyle picture;
  OutputOptions output;
};

constexpr Word<bool> kThemes[] = {{"light", false}, {"dark", true}};

int report(const ReportOptions& options) {
  const OutputOptions& output = options.output;
  refuse_if(options.emulated_tools && output.format != Format::text,
            "--other-tools is for --format text; leave --format out");
  const ReportFormat& format = format_of(output);
  refuse_if((options.picture.slide || options.picture.dark) && !format.is_picture,
            "--slide and --theme are for pictures; add --format png, svg or html");
  const std::filesystem::path path = find_run(options.run);
  SetAside set_aside;
  const auto put_aside = [&](RunRepetition& repetition) {
    if (!format.of_requests) set_aside.take(repetition);
  };
  auto [run, overrides, scenario] =
      read_recorded(path, {.whole = put_aside, .leave_large = !format.of_requests});
  for (const std::string& damage : run.damage) print_warning(damage);
  options.chosen.check(scenario, run);
  const ArmChoice& chosen = options.chosen;
  const auto leave_out = [&](const RunRepetition& one) { return !chosen.has(one.arm, one.case_id); };
  if (format.of_requests) {  // they need no report
    std::erase_if(run.repetitions, leave_out);
    print(format.write({{}, output.style, &run, &scenario}).value());
    return 0;
  }
  std::vector<Report> reports{make_report(scenario, run, {}, options.chosen)};
  std::erase_if(run.repetitions, leave_out);
  Report& reported = reports.front();
  reported.changes = describe_changes(overrides);
  reported.path = path.string();
  if (std::filesystem::exists(path / kServerOutput))
    add_server_output(reported, (path / kServerOutput).string());
  PictureStyle picture = options.picture;
  picture.chosen = !options.chosen.arms.empty();
  const FormatInput input{reports, output.style, &run, &scenario, picture};
  print(output.format.word == "html" ? report_page(input, {{&scenario, &run}}) : format.write(input).value());
  if (options.emulated_tools) print("\n" + emulated_tools_text(run, scenario, output.style));
  return 0;
}

}  // namespace

Command report_command() {
  Command command(
      "report", "show a recorded run again, in any format",
      "Example: lab report last --format md\n"
      "html is one file for any browser, in which the run replays; where the classroom page was not "
      "built (./labw setup --with page), the same lanes and tables without replay.");
  ReportOptions& options = command.runs<ReportOptions>(report);
  command
      .text("run", "RUN", options.run,
            "a folder or a .jsonl file, a run's name, a scenario's newest run, or 'last'")
      .required();
  command.flag("--other-tools", options.emulated_tools,
               "what wrk, hey and autocannon would have reported for the same replies");
  command.texts("--arms", "ARM,ARM", options.chosen.arms, "show only these arms").list();
  command.text("--case", "CASE", options.chosen.case_id, "show only this case");
  command.flag("--slide", options.picture.slide,
               "draw one slide for a projector, 1920 × 1080 (png, svg, html), of two arms, or of up to four "
               "of --arms");
  command.choice("--theme", "WORD", options.picture.dark, kThemes,
                 ": the colours of a picture (png, svg, html)");
  add_output_options(command, options.output, run_formats(true));
  add_details_option(command, options.output);
  return command;
}

}  // namespace lab
