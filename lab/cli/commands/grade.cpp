#include "lab/course/grade.hpp"

#include <new>

#include "lab/cli/command.hpp"
#include "lab/cli/screen.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/course/repair.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/experiment/recordings.hpp"

namespace lab {

namespace {

struct GradeOptions {
  std::string answers, run, scenario, variant, student, secret_file, autograder, program, gradescope;
  std::string repair, python = "/usr/bin/python3";
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

/// The problem that is graded: the student's variant where there is a secret, else the scenario as it is
/// shipped or, where only the answers name it, with their settings.
Problem problem_for(const GradeOptions& options, const AnswerFile& answers) {
  const std::string& student = options.student.empty() ? answers.student : options.student;
  ProblemSource source{options.scenario.empty() ? answers.scenario : options.scenario, {}, {}, options.only};
  if (!options.secret_file.empty()) {
    refuse_if(student.empty(), "a variant belongs to a student: \"student\" is missing in the answers");
    return make_variant(source, student, read_secret(options.secret_file));
  }
  if (options.scenario.empty()) source.settings = answers.settings;
  source.machine.cores = answers.cores.value_or(available_cores());
  source.machine.seed = answers.seed.value_or(source.machine.seed);
  Problem problem = make_problem(source);
  problem.student = student;
  return problem;
}

GradeSheet grade_file(const GradeOptions& options, const AnswerFile& answers, const std::string& run) {
  GradeSheet sheet = grade_answers(problem_for(options, answers), answers);
  if (!run.empty()) sheet.measured = figures_of(sheet.problem, run);
  sheet.run = run;
  sheet.show_answers = options.show_answers;
  sheet.pass = options.pass;
  return sheet;
}

/// Options that do not go together with all others, and whether they were given.
std::vector<std::pair<std::string, bool>> choosy_options(const GradeOptions& options) {
  return {{"the answer file", !options.answers.empty()},
          {"--run", !options.run.empty()},
          {"--scenario", !options.scenario.empty()},
          {"--variant", !options.variant.empty()},
          {"--student", !options.student.empty()},
          {"--secret-file", !options.secret_file.empty()},
          {"--only", !options.only.empty()},
          {"--pass", options.pass.has_value()},
          {"--show-answers", options.show_answers},
          {"--autograder", !options.autograder.empty()},
          {"--gradescope-folder", !options.gradescope.empty()},
          {"--format gradescope", options.output.format == Format::gradescope}};
}

/// All but these say nothing beside that option: they are refused, and not dropped without a word.
void refuse_beside(const std::string& option, const GradeOptions& options,
                   const std::vector<std::string>& allowed) {
  for (const auto& [name, given] : choosy_options(options))
    refuse_if(given && !contains(allowed, name), "{} has no meaning with {}; leave it out", name, option);
}

int print_variant(const GradeOptions& options) {
  const OutputOptions& output = options.output;
  refuse_if(!options.answers.empty(), "--variant prints a problem; leave the answers out");
  refuse_beside("--variant", options, {"--variant", "--student", "--secret-file", "--only"});
  refuse_if(options.secret_file.empty(), "--variant needs --student ID and --secret-file FILE");
  const ProblemSource source{options.variant, {}, {}, options.only};
  const Problem problem = make_variant(source, options.student, read_secret(options.secret_file));
  print(output.format == Format::json ? problem_json(problem) : problem_text(problem, output.style));
  return 0;
}

int pack(const GradeOptions& options) {
  refuse_if(options.scenario.empty(), "--autograder needs --scenario NAME");
  refuse_beside(
      "--autograder", options,
      {"--autograder", "--scenario", "--secret-file", "--only", "--show-answers", "--format gradescope"});
  AutograderPackage package{{options.scenario, {}, {}, options.only}, "", {}, options.show_answers};
  if (!options.program.empty()) package.program = options.program;
  // The teacher learns now what cannot be asked, not every student later.
  if (options.secret_file.empty()) {
    make_problem(package.problem);
  } else {
    package.secret = read_secret(options.secret_file);
    make_variant(package.problem, "anybody", package.secret);
  }
  write_autograder(options.autograder, package);
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
int grade_submission(const GradeOptions& options) {
  const std::filesystem::path folder = options.gradescope;
  std::error_code ignored;
  refuse_if(!std::filesystem::is_directory(folder, ignored), "--gradescope-folder: {}: is no folder",
            options.gradescope);
  // Whatever becomes of this process, a killer of those who take too much memory or time included.
  write_results(folder, gradescope_refusal("The grading did not come to its end. Ask your teacher."));
  std::string results;
  try {
    const Submission submission = find_submission(folder);
    const AnswerFile answers = parse_answer_file(read_input("answers", submission.answers.string()),
                                                 submission.answers.filename().string());
    if (!options.secret_file.empty()) submission.check_student(answers.student);
    results = gradescope_json(grade_file(options, answers, submission.run.string()));
  } catch (const Failure& failure) {
    if (failure.error().kind != ErrorKind::usage) throw;
    results = gradescope_refusal(for_student(failure.error().message, folder));
  } catch (const std::bad_alloc&) {
    results = gradescope_refusal("The submission needs more memory than there is; hand in a smaller run.");
  }
  write_results(folder, results);
  return 0;
}

/// Prints the sick server, or diagnoses what a student made of it.
int repair(const GradeOptions& options) {
  const OutputOptions& output = options.output;
  refuse_beside("--repair", options, {"the answer file", "--pass"});
  const Repair& wanted = repair_book().find(options.repair);
  if (options.answers.empty()) {
    refuse_beside("--repair without a file", options, {});
    print(output.format == Format::json ? repair_json(wanted) : wanted.text + "\n");
    return 0;
  }
  RepairSheet sheet = grade_repair(wanted, read_input("answers", options.answers), options.python);
  if (const int code = interrupt_exit_code(); code != 0) return code;
  sheet.pass = options.pass;
  print(output.format == Format::json ? repair_json(sheet) : repair_text(sheet, output.style));
  return sheet.passed() ? 0 : static_cast<int>(ErrorKind::check_failed);
}

int do_as_asked(const GradeOptions& options) {
  const OutputOptions& output = options.output;
  if (!options.repair.empty()) return repair(options);
  if (!options.variant.empty()) return print_variant(options);
  if (!options.autograder.empty()) return pack(options);
  if (!options.gradescope.empty()) return grade_submission(options);
  refuse_if(options.answers.empty(), "no answer file; see lab grade --help");
  refuse_if(!options.program.empty(), "--program belongs to --autograder; leave it out");
  const std::string run = options.run.empty() ? "" : find_run(options.run).string();
  const AnswerFile answers = parse_answer_file(read_input("answers", options.answers),
                                               options.answers == "-" ? "standard input" : options.answers);
  const GradeSheet sheet = grade_file(options, answers, run);
  print(output.format == Format::json         ? grade_json(sheet)
        : output.format == Format::gradescope ? gradescope_json(sheet)
                                              : grade_text(sheet, output.style));
  return sheet.passed() ? 0 : static_cast<int>(ErrorKind::check_failed);
}

}  // namespace

Command grade_command() {
  Command command(
      "grade", "grade answers by the model, and name each mistake",
      "Example: lab grade answers.json --run last\n"
      "An answer file: {\"schema\": \"lab.answers/1\", \"scenario\": \"gil\", \"answers\": {\"gil-1\": \"400 "
      "ms\"}}\n"
      "A problem for one student: lab grade --variant gil --student ada --secret-file secret.txt\n"
      "A server to repair: lab grade --repair find-the-line > report.py; then lab grade report.py --repair "
      "find-the-line\n"
      "For Gradescope: lab grade --autograder out.zip --scenario gil --secret-file secret.txt");
  GradeOptions& options = command.runs<GradeOptions>(do_as_asked);
  command.text("answers", "ANSWERS", options.answers,
               "the answer file, lab.answers/1, or with --repair the repaired server; - is standard input");
  command.text("--run", "RUN", options.run, "the student's run; it must be a run of this problem");
  command.text("--scenario", "SCENARIO", options.scenario,
               "the scenario that was asked; answers to another one are refused");
  command.texts("--only", "ID,ID", options.only, "only these questions").list();
  command.text("--student", "ID", options.student,
               "the student whose variant it is; answers of others are refused");
  command.text("--secret-file", "FILE", options.secret_file,
               "the teacher's secret, which makes the variants");
  command.text("--variant", "SCENARIO", options.variant, "print a student's own problem; grades nothing");
  command.read("--pass", "SHARE", options.pass, parse_share, "exit 1 below this score, such as 80%");
  command.flag("--show-answers", options.show_answers, "also give the right answers, and why");
  command.text("--autograder", "OUT.zip", options.autograder, "write the zip that Gradescope runs");
  command.text("--program", "PATH", options.program,
               "the statically linked lab that goes into the zip (this program, if it is static)");
  command.text("--repair", "ID", options.repair,
               "print a sick server; with a file: start it, diagnose it, and say what is still wrong");
  command.text("--python", "PATH", options.python, "the Python of --repair, which has FastAPI")
      .shows("/usr/bin/python3");
  command.text("--gradescope-folder", "DIR", options.gradescope,
               "called by the zip: grade a submission in /autograder");
  add_format_option(command, options.output, {Format::text, Format::json, Format::gradescope});
  command.flag("--ascii", options.output.style.ascii, "no character beyond ASCII");
  return command;
}

}  // namespace lab
