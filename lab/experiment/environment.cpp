#include "lab/experiment/experiment.hpp"
#include "lab_version.hpp"

namespace lab {

Environment describe_environment() {
  Environment environment = describe_machine();
  auto& details = environment.details;
  details.emplace_back("compiler", "GCC " __VERSION__);
  details.emplace_back("flags", LAB_COMPILE_FLAGS);
  details.emplace_back("libraries", LAB_LIBRARIES);
  details.emplace_back("version", version());
  details.emplace_back("commit", LAB_COMMIT);
  return environment;
}

std::string version() {
  return LAB_VERSION;
}

}  // namespace lab
