#include <memory>

#include "lab/cli/ask.hpp"
#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/core/terminal.hpp"
#include "lab/course/grade.hpp"
#include "lab/course/grade_autograder.hpp"
#include "lab/course/grade_report.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/experiment/recorded_runs.hpp"

namespace lab {

namespace {

struct GradeOptions {
  std::string answers, run, scenario, variant, student, secret_file, autograder, program, gradescope;
  std::optional<double> pass;  ///< 0 to 1
  std::vector<std::string> only;
  bool show_answers = false;
  OutputOptions output;
};

/// Without the newline that an editor leaves.
std::string read_secret(const std::string& path) {
  std::string secret = read_input("--secret-file", path);
  while (secret.ends_with('\n') || secret.ends_with('\r')) secret.pop_back();
  return secret;
}

Problem problem_for(const GradeOptions& options, const AnswerFile& answers) {
  ProblemSource source;
  source.name = options.scenario.empty() ? answers.scenario : options.scenario;
  source.only = options.only;
  if (!options.secret_file.empty()) {
    const std::string& student = options.student.empty() ? answers.student : options.student;
    if (student.empty())
      throw Failure(usage_error("a variant is a student's: \"student\" is missing in the answers"));
    return make_variant(source, student, read_secret(options.secret_file)).value();
  }
  // A teacher who names the scenario means it as it is shipped.
  if (options.scenario.empty()) source.settings = answers.settings;
  source.machine.cores = answers.cores.value_or(available_cores());
  source.machine.seed = answers.seed.value_or(source.machine.seed);
  Problem problem = make_problem(source).value();
  problem.student = options.student.empty() ? answers.student : options.student;
  return problem;
}

GradeSheet grade_file(const GradeOptions& options, const std::string& text, const std::string& run) {
  const AnswerFile answers =
      parse_answer_file(text, options.answers == "-" ? "standard input" : options.answers).value();
  GradeSheet sheet = grade_answers(problem_for(options, answers), answers).value();
  if (!run.empty()) sheet.run = check_run(sheet.problem, run).value();
  sheet.show_answers = options.show_answers;
  sheet.pass = options.pass;
  return sheet;
}

/// What says nothing beside that option is refused, and not dropped without a word.
void refuse_beside(const std::string& option, const std::vector<std::pair<std::string, bool>>& others) {
  for (const auto& [name, given] : others) {
    if (given) throw Failure(usage_error("{} says nothing beside {}; leave it out", name, option));
  }
}

int print_variant(const GradeOptions& options, const OutputOptions& output) {
  if (!options.answers.empty())
    throw Failure(usage_error("--variant prints a problem; leave the answers out"));
  refuse_beside("--variant", {{"--run", !options.run.empty()},
                              {"--scenario", !options.scenario.empty()},
                              {"--pass", options.pass.has_value()},
                              {"--show-answers", options.show_answers},
                              {"--autograder", !options.autograder.empty()},
                              {"--gradescope-folder", !options.gradescope.empty()},
                              {"--format gradescope", output.format == Format::gradescope}});
  if (options.secret_file.empty())
    throw Failure(usage_error("--variant needs --student ID and --secret-file FILE"));
  ProblemSource source;
  source.name = options.variant;
  source.only = options.only;
  const Problem problem = make_variant(source, options.student, read_secret(options.secret_file)).value();
  print(output.format == Format::json ? problem_json(problem) : problem_text(problem, output.style));
  return 0;
}

int pack(const GradeOptions& options) {
  if (options.scenario.empty())
    throw Failure(usage_error("--autograder needs --scenario NAME: what is asked"));
  refuse_beside("--autograder", {{"the answer file", !options.answers.empty()},
                                 {"--run", !options.run.empty()},
                                 {"--student", !options.student.empty()},
                                 {"--pass", options.pass.has_value()},
                                 {"--gradescope-folder", !options.gradescope.empty()}});
  // The teacher learns now what cannot be asked, not every student later.
  ProblemSource source;
  source.name = options.scenario;
  source.only = options.only;
  if (options.secret_file.empty()) {
    make_problem(source).value();
  } else {
    make_variant(source, "anybody", read_secret(options.secret_file)).value();
  }
  AutograderPackage package;
  package.scenario = options.scenario;
  package.only = options.only;
  package.show_answers = options.show_answers;
  if (!options.secret_file.empty()) package.secret = read_secret(options.secret_file);
  if (!options.program.empty()) package.program = options.program;
  write_autograder(options.autograder, package).value();
  print_error("wrote {}; upload it to Gradescope as the autograder\n", options.autograder);
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

/// On Gradescope nobody reads an exit code: the student reads what is wrong with the submission.
int grade_submission(GradeOptions options) {
  const std::filesystem::path folder = options.gradescope;
  std::error_code ignored;
  if (!std::filesystem::is_directory(folder, ignored))
    throw Failure(usage_error("--gradescope-folder: {}: is no folder", options.gradescope));
  std::string results;
  try {
    const Submission submission = find_submission(folder).value();
    options.answers = submission.answers.filename().string();
    const std::string text = read_input("answers", submission.answers.string());
    const AnswerFile answers = parse_answer_file(text, options.answers).value();
    if (!options.secret_file.empty()) submission.check_student(answers.student).value();
    results = gradescope_json(grade_file(options, text, submission.run.string()));
  } catch (const Failure& failure) {
    if (failure.error().kind != ErrorKind::usage) throw;
    results = gradescope_refusal(for_student(failure.error().message, folder));
  }
  write_results(folder, results).value();
  return 0;
}

int grade_all(const GradeOptions& options) {
  const OutputOptions& output = options.output;
  if (!options.variant.empty()) return print_variant(options, output);
  if (!options.autograder.empty()) return pack(options);
  if (!options.gradescope.empty()) return grade_submission(options);
  if (options.answers.empty()) throw Failure(usage_error("no answer file; see lab grade --help"));
  if (!options.program.empty())
    throw Failure(usage_error("--program is what --autograder packs; leave it out"));
  const std::string run = options.run.empty() ? "" : find_run(options.run).string();
  const GradeSheet sheet = grade_file(options, read_input("answers", options.answers), run);
  print(output.format == Format::json         ? grade_json(sheet)
        : output.format == Format::gradescope ? gradescope_json(sheet)
                                              : grade_text(sheet, output.style));
  return sheet.passed() ? 0 : static_cast<int>(ErrorKind::check_failed);
}

}  // namespace

Command grade_command() {
  Command command(
      "grade", "answers held against the model, each mistake named",
      "Example: lab grade answers.json --run last\n"
      "An answer file: {\"schema\": \"lab.answers/1\", \"scenario\": \"gil\", \"answers\": {\"gil-1\": \"400 "
      "ms\"}}\n"
      "A problem for one student: lab grade --variant gil --student ada --secret-file secret.txt\n"
      "For Gradescope: lab grade --autograder out.zip --scenario gil --secret-file secret.txt");
  const auto options = std::make_shared<GradeOptions>();
  command.text("answers", "ANSWERS", options->answers, "the answer file, lab.answers/1; - is standard input");
  command.text("--run", "RUN", options->run, "the student's run, which must be one of this problem");
  command.text("--scenario", "SCENARIO", options->scenario,
               "what was asked; answers to another scenario are refused");
  command.texts("--only", "ID,ID", options->only, "only these questions").list();
  command.text("--student", "ID", options->student, "whose variant it is; answers of others are refused");
  command.text("--secret-file", "FILE", options->secret_file,
               "the teacher's secret, from which variants are made");
  command.text("--variant", "SCENARIO", options->variant, "print a student's own problem and grade nothing");
  command.read("--pass", "SHARE", options->pass, parse_share, "exit 1 below this score, as 80%");
  command.flag("--show-answers", options->show_answers, "say what is right, and why");
  command.text("--autograder", "OUT.zip", options->autograder, "write the zip that Gradescope runs");
  command.text("--program", "PATH", options->program,
               "the static lab that goes into it (this one, where it is static)");
  command.text("--gradescope-folder", "DIR", options->gradescope,
               "what the zip calls: grade a submission in /autograder");
  add_format_option(command, options->output, {Format::text, Format::json, Format::gradescope});
  command.flag("--ascii", options->output.style.ascii, "no character beyond ASCII");
  command.run = [options] { return grade_all(*options); };
  return command;
}

}  // namespace lab
