#include "lab/cli/build_parts.hpp"

namespace lab {

const std::string_view kMissingParts;

}  // namespace lab
