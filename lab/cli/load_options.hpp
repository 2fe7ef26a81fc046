#pragma once

#include "lab/cli/command.hpp"
#include "lab/experiment/load_request.hpp"

namespace lab {

/// The options of `lab load`. What they mean together is in `options` once the command line was read; errors
/// (exit 2) name the option and the fix, or the file that cannot be read.
void add_load_options(Command& command, LoadRequestOptions& options);

}  // namespace lab
