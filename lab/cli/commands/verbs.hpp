#pragma once

#include <vector>

#include "lab/cli/command.hpp"
#include "lab/core/command_word.hpp"

namespace lab {

// One function a verb, in the file of its name: `Command run_command();`.
#define LAB_DECLARE(VERB) Command VERB##_command();
LAB_VERBS(LAB_DECLARE)
#undef LAB_DECLARE

/// All of them, in the order of `lab --help`.
inline std::vector<Command> all_commands() {
#define LAB_MAKE(VERB) VERB##_command(),
  return {LAB_VERBS(LAB_MAKE)};
#undef LAB_MAKE
}

}  // namespace lab
