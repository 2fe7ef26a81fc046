#pragma once

// The course: advice, findings explained, the quiz and graded answers, read from results/*.toml and the
// scenarios'
// [[ask]]. It uses the model through lab/experiment; only the command line uses it.

#include <cstddef>
#include <string>
#include <string_view>

#include "results/render/page.hpp"

namespace lab {

/// results/advise.toml, quiz.toml and findings.toml as they were when the program was built.
extern const std::string_view kAdviceText;
extern const std::string_view kQuizText;
extern const std::string_view kFindingsText;

/// A figure as people write it: `1s`, which is one second, or a plain number.
struct Figure {
  double value = 0;
  bool is_time = false;
};

/// Text on lines of the style's width, `first` in front; what goes on below is indented.
std::string text_lines(const std::string& text, std::string_view first, std::size_t indent,
                       const TextStyle& style);

constexpr std::size_t kTagColumns = 8;

/// `TAG     text` on lines of the style's width; what goes on below stands under the text.
std::string tagged(const std::string& tag, const std::string& text, const TextStyle& style,
                   std::size_t columns = kTagColumns);
/// The same for a command: it can be pasted, however long it is.
std::string tagged_command(const std::string& tag, const std::string& command, const TextStyle& style,
                           std::size_t columns = kTagColumns);
/// The same for code: its lines are kept as they are, but for commands, which are written as this program was
/// called.
std::string tagged_code(const std::string& tag, const std::string& code, const TextStyle& style,
                        std::size_t columns = kTagColumns);

/// What stands in front of a text in a list; on a line of its own where it leaves no blanks before the text.
std::string listed(const std::string& name, const std::string& text, std::size_t columns,
                   const TextStyle& style);

}  // namespace lab
