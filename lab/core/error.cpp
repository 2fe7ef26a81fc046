#include "lab/core/error.hpp"

#include <system_error>

namespace lab {

Error system_error(std::string_view call, std::string_view object, int error_number) {
  return environment_error("{} {}: {}", call, object, std::generic_category().message(error_number));
}

}  // namespace lab
