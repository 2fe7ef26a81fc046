#pragma once

#include <fmt/format.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <utility>

namespace lab {

/// The verbs of the command line, in the order of `lab --help`.
// clang-format off
#define LAB_VERBS(VERB) \
  VERB(list) VERB(show) VERB(run) VERB(log) VERB(predict) VERB(serve) VERB(load) VERB(diagnose) VERB(export) \
  VERB(report) VERB(history) VERB(compare) VERB(sweep) VERB(verify) VERB(explain) VERB(advise) VERB(quiz) VERB(grade) \
  VERB(demo) VERB(completion) VERB(doctor)
// clang-format on

#define LAB_VERB_NAME(VERB) #VERB,
inline constexpr auto kVerbs = std::to_array<std::string_view>({LAB_VERBS(LAB_VERB_NAME)});
#undef LAB_VERB_NAME

/// How the reader starts this program: as labw was called, which says so in LAB_COMMAND; else `lab`.
std::string command_word();

/// `text` with its commands as the reader can type them: `./labw run gil` for `lab run gil`. In sources, data
/// and JSON they stand as `lab …`.
std::string as_called(std::string_view text, std::string_view word);
std::string as_called(std::string_view text);

/// Progress, questions and warnings go to stderr. Nobody may be listening there, and that is no error: a
/// closed pipe or a full disk behind stderr must not end an experiment. Commands are written as this program
/// was called.
template <class... Args>
void print_error(fmt::format_string<Args...> text, Args&&... args) {
  const std::string line = as_called(fmt::format(text, std::forward<Args>(args)...));
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

/// Results go to stdout; what cannot be written is an error (exit 3), but for a reader that went away.
void print(std::string_view text);
/// One line on stderr: `lab: warning: …`.
void print_warning(std::string_view text);

}  // namespace lab
