#include <unistd.h>

#include <boost/json.hpp>
#include <memory>

#include "lab/cli/ask.hpp"
#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/core/command_word.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "lab/course/advice.hpp"
#include "lab/course/data.hpp"
#include "lab/course/tagged.hpp"
#include "results/render/wrap.hpp"

namespace lab {

namespace {

namespace json = boost::json;

struct AdviseOptions {
  std::map<std::string, std::string> given;  ///< option -> text, empty where it was not given
  OutputOptions output;
  bool list = false;
};

using Path = std::vector<std::pair<std::string, std::string>>;

std::size_t width_of(const TextStyle& style) {
  return static_cast<std::size_t>(style.width);
}

std::string command_of(const Path& path) {
  std::string command = "lab advise";
  for (const auto& [option, word] : path) command += fmt::format(" --{} {}", option, word);
  return command;
}

/// The words of a question as a script gives them: `await|block|cpu`, or with figures `short|long, or a
/// duration as 20ms`.
std::string words_to_give(const AdviceQuestion& question) {
  std::vector<std::string> words;
  for (const AdviceAnswer& answer : question.answers) words.push_back(answer.word);
  std::string text = join(words, "|");
  if (question.kind == AdviceQuestion::Kind::duration) text += ", or a duration as 20ms";
  if (question.kind == AdviceQuestion::Kind::count) text += ", or a number as 100";
  return text;
}

std::string format_question(const AdviceQuestion& question, const TextStyle& style) {
  std::size_t widest = 0;
  for (const AdviceAnswer& answer : question.answers) widest = std::max(widest, answer.word.size());
  std::string text = wrapped_text(question.text, "", 0, width_of(style), style.ascii);
  int number = 0;
  for (const AdviceAnswer& answer : question.answers) {
    const std::string first = fmt::format("  {}  {}", ++number, pad(answer.word, widest + 2));
    text += wrapped_text(answer.text, first, first.size(), width_of(style), style.ascii);
  }
  return text;
}

/// A word of the question; empty where the person left, none where the input ended.
std::optional<std::string> ask(const AdviceQuestion& question, const TextStyle& style) {
  print_error("\n{}", format_question(question, style));
  for (;;) {
    const auto line = ask_line(
        fmt::format("answer, 1 to {} or a word; Enter repeats, q leaves: ", question.answers.size()), style);
    if (!line) return std::nullopt;
    if (*line == "q") return "";
    if (line->empty()) {
      print_error("\n{}", format_question(question, style));
      continue;
    }
    const auto word = understand(question, *line, true);
    if (word) return *word;
    print_error("{}", tagged("", word.error().message, style));
  }
}

std::string format_advice(const Advice& advice, const Path& path, const TextStyle& style) {
  const std::string settings = advice.settings.empty() ? "" : ", " + advice.settings;
  std::string text = tagged("ADVICE", fmt::format("{} ({}{})", advice.title, advice.mode, settings), style);
  text += tagged("WHY", advice.reason, style) + tagged("AVOID", advice.avoid, style);
  text += tagged_code("FASTAPI", advice.fastapi, style) + tagged_code("C++", advice.cpp, style);
  text += tagged("", "as the lab does it: " + advice.read, style);
  for (const Deviation& said : advice.documents) {
    text += tagged("DOCS", fmt::format("{} {}: {}", said.document, said.place, said.says), style);
    text += tagged("", "in fact: " + said.instead, style);
  }
  text += tagged_command("PROOF", advice.proof, style) + tagged("", "shows " + advice.shows, style);
  return text + tagged("AGAIN", command_of(path), style);
}

json::array json_of(const std::vector<Deviation>& documents) {
  json::array rows;
  for (const Deviation& said : documents) {
    rows.push_back(
        {{"document", said.document}, {"place", said.place}, {"says", said.says}, {"instead", said.instead}});
  }
  return rows;
}

json::object json_of(const Advice& advice) {
  return {{"id", advice.id},
          {"model", advice.mode},
          {"settings", advice.settings},
          {"title", advice.title},
          {"reason", advice.reason},
          {"avoid", advice.avoid},
          {"code", {{"fastapi", advice.fastapi}, {"cpp", advice.cpp}}},
          {"read", advice.read},
          {"proof", advice.proof},
          {"shows", advice.shows},
          {"documents", json_of(advice.documents)}};
}

std::string json_of(const Walk& walk) {
  json::object answers;
  for (const auto& [option, word] : walk.path) answers[option] = word;
  return json::serialize(json::object{
             {"schema", "lab.advise/1"}, {"answers", answers}, {"advice", json_of(*walk.advice)}}) +
         "\n";
}

/// Every way through the tree, with what it ends at.
void paths_from(const AdviceBook& book, const std::string& id, Path& path,
                const std::function<void(const Path&, const Advice&)>& found) {
  if (const Advice* advice = book.advice_of(id)) return found(path, *advice);
  const AdviceNode& node = *book.node(id);
  for (const AdviceAnswer& answer : book.question(node.asks).answers) {
    path.emplace_back(node.asks, answer.word);
    paths_from(book, node.then.at(answer.word), path, found);
    path.pop_back();
  }
}

std::string list_json(const AdviceBook& book) {
  json::array questions;
  for (const AdviceQuestion& question : book.questions) {
    json::array answers;
    for (const AdviceAnswer& answer : question.answers)
      answers.push_back({{"word", answer.word}, {"text", answer.text}});
    questions.push_back({{"option", question.id}, {"text", question.text}, {"answers", answers}});
  }
  json::array paths;
  Path path;
  paths_from(book, book.nodes.front().id, path, [&](const Path& way, const Advice& advice) {
    json::object answers;
    for (const auto& [option, word] : way) answers[option] = word;
    paths.push_back({{"answers", answers}, {"advice", advice.id}});
  });
  json::array advice;
  for (const Advice& each : book.advice) advice.push_back(json_of(each));
  json::array lists;
  for (const DocumentList& list : book.lists) {
    json::array entries;
    for (const ListEntry& entry : list.entries) {
      const std::string& proof = entry.proof.empty() ? book.advice_of(entry.advice)->proof : entry.proof;
      entries.push_back({{"text", entry.text},
                         {"holds", entry.holds},
                         {"but", entry.but},
                         {"advice", entry.advice},
                         {"proof", proof}});
    }
    lists.push_back(
        {{"list", list.name}, {"document", list.document}, {"place", list.place}, {"entries", entries}});
  }
  return json::serialize(json::object{{"schema", "lab.advise/1"},
                                      {"questions", questions},
                                      {"paths", paths},
                                      {"advice", advice},
                                      {"lists", lists}}) +
         "\n";
}

std::string list_text(const AdviceBook& book, const TextStyle& style) {
  std::string text = as_called("What the answers lead to: lab advise with these options\n");
  Path path;
  paths_from(book, book.nodes.front().id, path, [&](const Path& way, const Advice& advice) {
    text += "\n  " + command_of(way).substr(std::string("lab advise ").size()) + "\n";
    const std::string settings = advice.settings.empty() ? "" : ", " + advice.settings;
    const std::string ends = fmt::format("{} ({}{}); {}", advice.title, advice.mode, settings, advice.proof);
    text += wrapped_text(ends, "    ", 4, width_of(style), style.ascii);
  });
  for (const DocumentList& list : book.lists) {
    text += fmt::format("\n{} {}: {}\n", list.document, list.place, list.name);
    for (const ListEntry& entry : list.entries) {
      const std::string& proof = entry.proof.empty() ? book.advice_of(entry.advice)->proof : entry.proof;
      const std::string but = entry.but.empty() ? "" : "; but " + entry.but;
      text += wrapped_text(fmt::format("{}{}; {}", entry.text, but, proof), "  " + pad(entry.holds, 8), 10,
                           width_of(style), style.ascii);
    }
  }
  text += "\nThe words of the options\n";
  for (const AdviceQuestion& question : book.questions)
    text +=
        join(wrap(words_to_give(question), pad("  --" + question.id, 14), 14, width_of(style)), "\n") + "\n";
  return text;
}

/// In a script everything must be there: names what this path still needs, with its words.
Error missing(const AdviceBook& book, const Walk& walk) {
  const AdviceQuestion& question = book.question(walk.next->asks);
  return usage_error(
      "--{} is missing ({}): {}; lab advise asks on a terminal, lab advise --list shows every way",
      question.id, question.text, words_to_give(question));
}

int advise(const AdviseOptions& options) {
  const OutputOptions& output = options.output;
  const bool as_json = output.format == Format::json;
  const TextStyle& style = output.style;
  const AdviceBook book = parse_advice(kAdviceText, "results/advise.toml").value();
  if (options.list) {
    print(as_json ? list_json(book) : list_text(book, style));
    return 0;
  }
  std::map<std::string, std::string> answers;
  for (const auto& [option, text] : options.given) {
    if (!text.empty()) answers[option] = understand(book.question(option), text, false).value();
  }
  Walk way = walk(book, answers).value();
  while (way.advice == nullptr) {
    if (isatty(STDIN_FILENO) != 1) throw Failure(missing(book, way));
    const auto word = ask(book.question(way.next->asks), style);
    const std::string so_far = command_of(way.path);
    if (!word) throw Failure(usage_error("the input ended before the last question; so far: {}", so_far));
    if (word->empty()) {
      print_error("left; to go on: {}\n", so_far);
      return 0;
    }
    answers[way.next->asks] = *word;
    way = walk(book, answers).value();
  }
  if (isatty(STDIN_FILENO) == 1) print_error("\n");
  print(as_json ? json_of(way) : format_advice(*way.advice, way.path, style));
  return 0;
}

}  // namespace

Command advise_command() {
  Command command("advise", "which execution model? Asks, and ends at code and its proof",
                  "Example: lab advise --work cpu --client now --takes 200ms --cores several");
  const auto options = std::make_shared<AdviseOptions>();
  const AdviceBook book = parse_advice(kAdviceText, "results/advise.toml").value();
  for (const AdviceQuestion& question : book.questions) {
    Option& made =
        command.text("--" + question.id, "WORD", options->given[question.id], words_to_give(question));
    for (const AdviceAnswer& answer : question.answers) made.choices.push_back(answer.word);
  }
  command.flag("--list", options->list, "every way through the questions, and the documents' own lists");
  add_text_or_json(command, options->output);
  command.run = [options] { return advise(*options); };
  return command;
}

}  // namespace lab
