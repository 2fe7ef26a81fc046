#include <CLI/CLI.hpp>
#include <fstream>
#include <iostream>
#include <memory>

#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/cli/runs.hpp"
#include "lab/cli/tagged.hpp"
#include "lab/core/terminal.hpp"
#include "lab/course/grade.hpp"
#include "lab/course/grade_autograder.hpp"
#include "lab/course/grade_report.hpp"
#include "lab/experiment/experiment.hpp"

namespace lab {

namespace {

constexpr std::size_t kLargestFile = 1 << 20;

struct RawGradeOptions {
  std::string answers, run, scenario, variant, student, secret_file, pass, autograder, program, gradescope;
  std::vector<std::string> only;
  bool show_answers = false;
  RawOutputOptions output;
};

std::string read_file(const std::string& option, const std::string& path) {
  std::ifstream file;
  if (path != "-") {
    file.open(path, std::ios::binary);
    if (!file) throw Failure(usage_error("{}: {}: cannot be read", option, path));
  }
  std::istream& input = path == "-" ? std::cin : file;
  std::string text(kLargestFile + 1, '\0');
  input.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(input.gcount()));
  if (text.size() > kLargestFile) throw Failure(usage_error("{}: {}: more than a megabyte", option, path));
  return text;
}

/// Without the newline that an editor leaves.
std::string read_secret(const std::string& path) {
  std::string secret = read_file("--secret-file", path);
  while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
  return secret;
}

Problem problem_for(const RawGradeOptions& raw, const AnswerFile& answers) {
  ProblemSource source;
  source.name = raw.scenario.empty() ? answers.scenario : raw.scenario;
  source.only = raw.only;
  if (!raw.secret_file.empty()) {
    const std::string& student = raw.student.empty() ? answers.student : raw.student;
    if (student.empty())
      throw Failure(usage_error("a variant is a student's: \"student\" is missing in the answers"));
    return make_variant(source, student, read_secret(raw.secret_file)).value();
  }
  // A teacher who names the scenario means it as it is shipped.
  if (raw.scenario.empty()) source.settings = answers.settings;
  source.machine.cores = answers.cores.value_or(available_cores());
  source.machine.seed = answers.seed.value_or(source.machine.seed);
  Problem problem = make_problem(source).value();
  problem.student = raw.student.empty() ? answers.student : raw.student;
  return problem;
}

GradeSheet grade_file(const RawGradeOptions& raw, const std::string& text, const std::string& run) {
  const AnswerFile answers =
      parse_answer_file(text, raw.answers == "-" ? "standard input" : raw.answers).value();
  GradeSheet sheet = grade_answers(problem_for(raw, answers), answers).value();
  if (!run.empty()) sheet.run = check_run(sheet.problem, run).value();
  sheet.show_answers = raw.show_answers;
  if (!raw.pass.empty()) sheet.pass = parse_share("--pass", raw.pass).value();
  return sheet;
}

/// What says nothing beside that option is refused, and not dropped without a word.
void refuse_beside(const std::string& option, const std::vector<std::pair<std::string, bool>>& others) {
  for (const auto& [name, given] : others) {
    if (given) throw Failure(usage_error("{} says nothing beside {}; leave it out", name, option));
  }
}

int print_variant(const RawGradeOptions& raw, const OutputOptions& output) {
  if (!raw.answers.empty()) throw Failure(usage_error("--variant prints a problem; leave the answers out"));
  refuse_beside("--variant", {{"--run", !raw.run.empty()},
                              {"--scenario", !raw.scenario.empty()},
                              {"--pass", !raw.pass.empty()},
                              {"--show-answers", raw.show_answers},
                              {"--autograder", !raw.autograder.empty()},
                              {"--gradescope-folder", !raw.gradescope.empty()},
                              {"--format gradescope", output.format == Format::gradescope}});
  if (raw.secret_file.empty())
    throw Failure(usage_error("--variant needs --student ID and --secret-file FILE"));
  ProblemSource source;
  source.name = raw.variant;
  source.only = raw.only;
  const Problem problem = make_variant(source, raw.student, read_secret(raw.secret_file)).value();
  print(output.format == Format::json ? problem_json(problem) : problem_text(problem, output.style));
  return 0;
}

int pack(const RawGradeOptions& raw) {
  if (raw.scenario.empty()) throw Failure(usage_error("--autograder needs --scenario NAME: what is asked"));
  refuse_beside("--autograder", {{"the answer file", !raw.answers.empty()},
                                 {"--run", !raw.run.empty()},
                                 {"--student", !raw.student.empty()},
                                 {"--pass", !raw.pass.empty()},
                                 {"--gradescope-folder", !raw.gradescope.empty()}});
  // What cannot be asked is told to the teacher now, not to every student later.
  ProblemSource source;
  source.name = raw.scenario;
  source.only = raw.only;
  if (raw.secret_file.empty()) {
    make_problem(source).value();
  } else {
    make_variant(source, "anybody", read_secret(raw.secret_file)).value();
  }
  AutograderPackage package;
  package.scenario = raw.scenario;
  package.only = raw.only;
  package.show_answers = raw.show_answers;
  if (!raw.secret_file.empty()) package.secret = read_secret(raw.secret_file);
  if (!raw.program.empty()) package.program = raw.program;
  write_autograder(raw.autograder, package).value();
  print_error("wrote {}; upload it to Gradescope as the autograder\n", raw.autograder);
  return 0;
}

/// Files by the names under which they were handed in.
std::string for_student(std::string message, const std::filesystem::path& folder) {
  const std::string path = (folder / "submission").string() + "/";
  for (std::size_t at = message.find(path); at != std::string::npos; at = message.find(path))
    message.erase(at, path.size());
  if (message.starts_with("--run: ")) message.erase(0, 7);
  return message;
}

/// On Gradescope nobody reads an exit code: whatever is wrong with a submission is told to its student.
int grade_submission(RawGradeOptions raw) {
  const std::filesystem::path folder = raw.gradescope;
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored))
    throw Failure(usage_error("--gradescope-folder: {}: is no folder", raw.gradescope));
  std::string results;
  try {
    const Submission submission = find_submission(folder).value();
    raw.answers = submission.answers.filename().string();
    const std::string text = read_file("answers", submission.answers.string());
    const AnswerFile answers = parse_answer_file(text, raw.answers).value();
    if (!raw.secret_file.empty()) submission.check_student(answers.student).value();
    results = gradescope_json(grade_file(raw, text, submission.run.string()));
  } catch (const Failure& failure) {
    if (failure.error().kind != ErrorKind::usage) throw;
    results = gradescope_refusal(for_student(failure.error().message, folder));
  }
  write_results(folder, results).value();
  return 0;
}

int grade_all(const RawGradeOptions& raw) {
  const OutputOptions output = check_output_options(raw.output).value();
  if (!raw.variant.empty()) return print_variant(raw, output);
  if (!raw.autograder.empty()) return pack(raw);
  if (!raw.gradescope.empty()) return grade_submission(raw);
  if (raw.answers.empty()) throw Failure(usage_error("no answer file; see lab grade --help"));
  if (!raw.program.empty()) throw Failure(usage_error("--program is what --autograder packs; leave it out"));
  const std::string run = raw.run.empty() ? "" : find_run(raw.run).string();
  const GradeSheet sheet = grade_file(raw, read_file("answers", raw.answers), run);
  switch (output.format) {
    case Format::json: print(grade_json(sheet)); break;
    case Format::gradescope: print(gradescope_json(sheet)); break;
    default: print(grade_text(sheet, output.style));
  }
  return sheet.passed() ? 0 : static_cast<int>(ErrorKind::check_failed);
}

}  // namespace

void add_grade(CLI::App& app, Action& action) {
  CLI::App* verb = app.add_subcommand("grade", "answers held against the model, each mistake named");
  verb->footer(
      "Example: lab grade answers.json --run last\n"
      "An answer file: {\"schema\": \"lab.answers/1\", \"scenario\": \"gil\", \"answers\": {\"gil-1\": \"400 "
      "ms\"}}\n"
      "A problem for one student: lab grade --variant gil --student ada --secret-file secret.txt\n"
      "For Gradescope: lab grade --autograder out.zip --scenario gil --secret-file secret.txt");
  auto raw = std::make_shared<RawGradeOptions>();
  add_text(*verb, "answers", raw->answers, "the answer file, lab.answers/1; - is standard input")
      ->type_name("ANSWERS");
  add_text(*verb, "--run", raw->run, "the student's run, which must be one of this problem")
      ->type_name("RUN");
  add_text(*verb, "--scenario", raw->scenario, "what was asked; answers to another scenario are refused")
      ->type_name("SCENARIO");
  add_texts(*verb, "--only", raw->only, "only these questions")->delimiter(',')->type_name("ID,ID");
  add_text(*verb, "--student", raw->student, "whose variant it is; answers of others are refused")
      ->type_name("ID");
  add_text(*verb, "--secret-file", raw->secret_file, "the teacher's secret, from which variants are made")
      ->type_name("FILE");
  add_text(*verb, "--variant", raw->variant, "print a student's own problem and grade nothing")
      ->type_name("SCENARIO");
  add_text(*verb, "--pass", raw->pass, "exit 1 below this score, as 80%")->type_name("SHARE");
  verb->add_flag("--show-answers", raw->show_answers, "say what is right, and why");
  add_text(*verb, "--autograder", raw->autograder, "write the zip that Gradescope runs")
      ->type_name("OUT.zip");
  add_text(*verb, "--program", raw->program,
           "the static lab that goes into it (this one, where it is static)")
      ->type_name("PATH");
  add_text(*verb, "--gradescope-folder", raw->gradescope,
           "what the zip calls: grade a submission in /autograder")
      ->type_name("DIR");
  add_format_option(*verb, raw->output, {Format::text, Format::json, Format::gradescope});
  verb->add_flag("--ascii", raw->output.ascii, "no character beyond ASCII");
  verb->callback([&action, raw] { action = [raw] { return grade_all(*raw); }; });
}

}  // namespace lab
