#include <unistd.h>

#include "lab/cli/command.hpp"
#include "lab/cli/screen.hpp"
#include "lab/core/terminal.hpp"
#include "lab/course/advice.hpp"

namespace lab {

namespace {

struct AdviseOptions {
  std::map<std::string, std::string> given;  ///< option -> text, empty where it was not given
  OutputOptions output;
  bool list = false;
};

int advise(const AdviseOptions& options) {
  const bool as_json = options.output.format == Format::json;
  const TextStyle& style = options.output.style;
  const AdviceBook& book = advice_book();
  if (options.list) {
    print(as_json ? list_advice_json(book) : list_advice(book, style));
    return 0;
  }
  std::map<std::string, std::string> answers;
  for (const auto& [option, text] : options.given) {
    if (!text.empty()) answers[option] = understand(book.question(option), text, false).value();
  }
  const bool asks = isatty(STDIN_FILENO) == 1;
  Walk way = walk(book, answers);
  while (way.advice == nullptr) {
    const AdviceQuestion& question = book.question(way.next->ask);
    if (!asks) {
      throw Failure(usage_error(
          "--{} is missing ({}): {}; lab advise asks on a terminal, lab advise --list shows every way",
          question.id, question.text, question.words_to_give()));
    }
    const auto line = ask_until(
        format_question(question, style),
        fmt::format("answer, 1 to {} or a word; Enter repeats, q leaves: ", question.answers.size()), style,
        [&](const std::string& text) -> Result<void> {
          if (text == "q") return {};
          LAB_TRY(answers[question.id], understand(question, text, true));
          return {};
        });
    if (!line)
      throw Failure(
          usage_error("the input ended before the last question; your answers so far: {}", way.command()));
    if (*line == "q") {
      print_error("left; to continue: {}\n", way.command());
      return 0;
    }
    way = walk(book, answers);
  }
  if (asks) print_error("\n");
  print(as_json ? advice_json(way) : format_advice(way, style));
  return 0;
}

}  // namespace

Command advise_command() {
  Command command("advise",
                  "which execution model fits? Asks questions, and gives code and the run that proves it",
                  "Example: lab advise --work cpu --client now --takes 200ms --cores several");
  AdviseOptions& options = command.runs<AdviseOptions>(advise);
  for (const AdviceQuestion& question : advice_book().questions) {
    Option& made =
        command.text("--" + question.id, "WORD", options.given[question.id], question.words_to_give());
    for (const AdviceAnswer& answer : question.answers) made.choices.push_back(answer.word);
  }
  command.flag("--list", options.list, "all answers and where they lead, and the documents' own lists");
  add_text_or_json(command, options.output);
  return command;
}

}  // namespace lab
