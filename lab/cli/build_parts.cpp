#include "lab/cli/command.hpp"

namespace lab {

const std::string_view kMissingParts;

}  // namespace lab
