#include "lab/servers/steps/upstream.hpp"

#include <fmt/format.h>

namespace lab {

std::string upstream_target(const CallUpstream& call) {
  return fmt::format("/delay?ms={:.3f}", seconds(call.duration) * 1e3);
}

Error upstream_error(std::uint16_t port, const std::string& reason) {
  return environment_error("the upstream server at 127.0.0.1:{} gave no answer: {}", port, reason);
}

}  // namespace lab
