#include "lab/servers/mode.hpp"

namespace lab {

// Debian has no static cpp-httplib. The model still knows what such a server holds.
extern const Mode k_mode_thread_per_request;
const Mode k_mode_thread_per_request{.traits = kThreadPerRequest};

}  // namespace lab
