#pragma once

#include <boost/describe.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/core/error.hpp"
#include "results/render/page.hpp"
#include "scenarios/loader/described_toml.hpp"

namespace lab {

struct DiagnosisReport;

/// One answer of a question: a word, and for figures the largest that it stands for.
struct AdviceAnswer {
  std::string word, text;
  std::optional<Figure> up_to;  ///< none: no limit
  static constexpr std::string_view kMayLack = "up_to";
};
BOOST_DESCRIBE_STRUCT(AdviceAnswer, (), (word, text, up_to))

struct AdviceQuestion {
  std::string id;  ///< also the option of `lab advise`
  std::string text;
  std::string kind;  ///< of its answers besides words: `count`, `duration` or empty
  std::vector<AdviceAnswer> answers;
  static constexpr std::string_view kMayLack = "id kind";

  /// The words as a script gives them: `await|block|cpu`, or with figures `short|long, or a duration as
  /// 20ms`.
  std::string words_to_give() const;
};
BOOST_DESCRIBE_STRUCT(AdviceQuestion, (), (id, text, kind, answers))

/// Where the tree asks; the same question may be asked at several places.
struct AdviceNode {
  std::string id;
  std::string ask;                          ///< a question's id
  std::map<std::string, std::string> then;  ///< answer's word -> a node's or an advice's id
};
BOOST_DESCRIBE_STRUCT(AdviceNode, (), (id, ask, then))

/// Where a document says something else.
struct Deviation {
  std::string document, place, says, instead;
};
BOOST_DESCRIBE_STRUCT(Deviation, (), (document, place, says, instead))

struct Advice {
  std::string id;
  std::string mode;                        ///< an execution model
  std::map<std::string, std::string> arm;  ///< its `threads` or `workers`: a number, or `cores`
  std::string settings;                    ///< both in words, or others, or empty
  std::string title, reason, avoid;
  std::string fastapi, cpp;  ///< code, several lines
  std::string read;          ///< the lab's own source that does the same
  std::string proof;         ///< a command
  std::string shows;         ///< what is to be seen there
  std::vector<Deviation> documents;
  static constexpr std::string_view kMayLack = "arm settings documents";

  /// `title (mode, settings)`
  std::string name() const;
};
BOOST_DESCRIBE_STRUCT(Advice, (),
                      (id, mode, arm, settings, title, reason, avoid, fastapi, cpp, read, proof, shows,
                       documents))

/// An entry of one of the documents' lists, in our words.
struct ListEntry {
  std::string text;
  std::string holds;   ///< yes, partly or no
  std::string but;     ///< how far it does not, or empty
  std::string advice;  ///< id
  std::string proof;   ///< a command; the advice's where the file gives none
  static constexpr std::string_view kMayLack = "but proof";
};
BOOST_DESCRIBE_STRUCT(ListEntry, (), (text, holds, but, advice, proof))

struct DocumentList {
  std::string list, document, place;
  std::vector<ListEntry> entries;
};
BOOST_DESCRIBE_STRUCT(DocumentList, (), (list, document, place, entries))

/// What to do about a line that makes requests wait: an advice in the words of the server's language.
struct AdviceFix {
  std::string cause;                         ///< a LineCause
  std::string takes;                         ///< what the line does: `waiting` or `computing`
  std::string advice;                        ///< id
  std::map<std::string, std::string> words;  ///< by LocalServer's runtime; `any`: of those that no fix names
};
BOOST_DESCRIBE_STRUCT(AdviceFix, (), (cause, takes, advice, words))

/// The decision tree and what it ends at (results/advise.toml).
struct AdviceBook {
  std::vector<AdviceQuestion> questions;
  std::vector<AdviceNode> nodes;  ///< the first is the root
  std::vector<Advice> advice;
  std::vector<DocumentList> lists;
  std::vector<AdviceFix> fixes;
  static constexpr std::string_view kMayLack = "fixes";

  const AdviceQuestion& question(const std::string& id) const;
  const AdviceNode* node(const std::string& id) const;   ///< null: none
  const Advice* advice_of(const std::string& id) const;  ///< null: none
};
BOOST_DESCRIBE_STRUCT(AdviceBook, (), (questions, nodes, advice, lists, fixes))

/// Throws Failure with `file:line:column`, and where a path of the tree does not end at an advice.
AdviceBook parse_advice(std::string_view toml, const std::string& file);
/// results/advise.toml as it was when the program was built.
extern const std::string_view kAdviceText;
/// The shipped one.
const AdviceBook& advice_book();

/// The word that an answer stands for: the word itself, its number in the list (`2`) where `numbered`, or a
/// figure (`20ms`, `100`). The error names `--option` and the nearest word.
Result<std::string> understand(const AdviceQuestion& question, const std::string& text, bool numbered);

/// How far the answers lead.
struct Walk {
  std::vector<std::pair<std::string, std::string>> path;  ///< option, word
  const AdviceNode* next = nullptr;                       ///< what is still to be asked
  const Advice* advice = nullptr;                         ///< where it ends

  std::string command() const;  ///< `lab advise --work cpu`
};

/// Follows the answers (option -> word) from the root. Throws Failure for an answer to a question that this
/// path does not ask, where the path is complete.
Walk walk(const AdviceBook& book, const std::map<std::string, std::string>& answers);

/// The first way through the tree that ends there.
Walk way_to(const AdviceBook& book, const std::string& advice);

/// Adds to each line of a diagnosis what the book advises for it, and what the model says that this would
/// give: the advice's own execution model, with the service time, the burst and the cores that were measured.
/// A verdict whose advice depends on the server's language gets that (fixes.cpp).
void add_fixes(DiagnosisReport& report, const AdviceBook& book = advice_book());

/// The question and its numbered answers.
std::string format_question(const AdviceQuestion& question, const TextStyle& style);
/// What a walk ended at, with code, proof and the command that leads there again.
std::string format_advice(const Walk& walk, const TextStyle& style);
/// Every way through the tree, the documents' lists and the words of the options.
std::string list_advice(const AdviceBook& book, const TextStyle& style);
/// The same as lab.advise/1.
std::string advice_json(const Walk& walk);
std::string list_advice_json(const AdviceBook& book);

}  // namespace lab
