#pragma once

#include <array>
#include <string>
#include <string_view>

namespace lab {

/// The verbs of the command line, in the order of `lab --help`.
// clang-format off
#define LAB_VERBS(VERB) \
  VERB(list) VERB(show) VERB(run) VERB(predict) VERB(serve) VERB(load) VERB(diagnose) VERB(export) VERB(report) \
  VERB(history) VERB(compare) VERB(sweep) VERB(verify) VERB(explain) VERB(advise) VERB(quiz) VERB(grade) \
  VERB(completion) VERB(doctor)
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

}  // namespace lab
