#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/core/error.hpp"

namespace lab {

/// One answer of a question: a word, and for figures the largest that it stands for.
struct AdviceAnswer {
  std::string word, text;
  std::optional<std::int64_t> up_to;  ///< nanoseconds or a count; none: no limit
};

struct AdviceQuestion {
  enum class Kind : std::uint8_t { words, count, duration };
  std::string id;  ///< also the option of `lab advise`
  std::string text;
  Kind kind = Kind::words;
  std::vector<AdviceAnswer> answers;
};

/// Where the tree asks; the same question may be asked at several places.
struct AdviceNode {
  std::string id;
  std::string asks;                         ///< a question's id
  std::map<std::string, std::string> then;  ///< answer's word -> a node's or an advice's id
};

/// Where a document says something else.
struct Deviation {
  std::string document, place, says, instead;
};

struct Advice {
  std::string id;
  std::string mode;      ///< an execution model
  std::string settings;  ///< of it, or empty
  std::string title, reason;
  std::string fastapi, cpp;  ///< code, several lines
  std::string read;          ///< the lab's own source that does the same
  std::string proof;         ///< a command
  std::string shows;         ///< what is to be seen there
  std::string avoid;
  std::vector<Deviation> documents;
};

/// An entry of one of the documents' lists, in our words.
struct ListEntry {
  std::string text;
  std::string advice;  ///< id
  std::string holds;   ///< yes, partly or no
  std::string but;     ///< how far it does not, or empty
  std::string proof;   ///< a command, or empty: the advice's
};

struct DocumentList {
  std::string name, document, place;
  std::vector<ListEntry> entries;
};

/// The decision tree and what it ends at (results/advise.toml).
struct AdviceBook {
  std::vector<AdviceQuestion> questions;
  std::vector<AdviceNode> nodes;  ///< the first is the root
  std::vector<Advice> advice;
  std::vector<DocumentList> lists;

  const AdviceQuestion& question(const std::string& id) const;
  const AdviceNode* node(const std::string& id) const;   ///< null: none
  const Advice* advice_of(const std::string& id) const;  ///< null: none
};

/// Errors carry `file:line:column`. Refuses a tree in which a path does not end at an advice.
Result<AdviceBook> parse_advice(std::string_view toml, const std::string& file);

/// The word that an answer stands for: the word itself, its number in the list (`2`) where `numbered`, or a
/// figure (`20ms`, `100`). The error names `--option` and the nearest word.
Result<std::string> understand(const AdviceQuestion& question, const std::string& text, bool numbered);

/// How far the answers lead.
struct Walk {
  std::vector<std::pair<std::string, std::string>> path;  ///< option, word
  const AdviceNode* next = nullptr;                       ///< what is still to be asked
  const Advice* advice = nullptr;                         ///< where it ends
};

/// Follows the answers (option -> word) from the root. An answer to a question that this path does not ask is
/// an error where the path is complete.
Result<Walk> walk(const AdviceBook& book, const std::map<std::string, std::string>& answers);

}  // namespace lab
