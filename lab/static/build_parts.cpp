#include "lab/cli/command.hpp"

namespace lab {

const std::string_view kMissingParts = "PostgreSQL, thread-per-request, QR codes, io_uring";

}  // namespace lab
