#include "lab/cli/build_parts.hpp"

namespace lab {

const std::string_view kMissingParts = "PostgreSQL, thread-per-request, QR codes, io_uring";

}  // namespace lab
