#include "harness/inside/runtime_probes.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <fstream>

namespace lab {

namespace {

std::string before(const std::string& first, const char* variable, char separator) {
  const char* const there = std::getenv(variable);
  return there != nullptr && *there != '\0' ? first + separator + there : first;
}

}  // namespace

Result<RuntimeProbes> RuntimeProbes::create() {
  RuntimeProbes probes;
  LAB_TRY(probes.folder_, TemporaryFolder::create("lab-inside"));
  if (mkdir(probes.written().c_str(), S_IRWXU) != 0)
    return system_error("mkdir", probes.written().string(), errno);
  for (const ProbeFile& probe : probe_files()) {
    const auto path = probes.folder_.path() / probe.name;
    std::ofstream file(path, std::ios::binary);
    if (!(file << probe.text).flush()) return system_error("write", path.string(), errno);
    if (geteuid() == 0) chmod(path.c_str(), 0644);
  }
  if (geteuid() == 0) {
    chmod(probes.folder_.path().c_str(), 0755);
    chmod(probes.written().c_str(), 01733);
  }
  return probes;
}

std::vector<std::pair<std::string, std::string>> RuntimeProbes::environment() const {
  std::vector<std::pair<std::string, std::string>> environment{{"LAB_INSIDE", written().string()}};
  const std::string folder = folder_.path().string();
  environment.emplace_back("PYTHONPATH", before(folder, "PYTHONPATH", ':'));
  environment.emplace_back("PYTHONDONTWRITEBYTECODE", "1");  // no __pycache__ beside the server's own files
  std::string required;
  for (const ProbeFile& probe : probe_files()) {
    if (probe.name.ends_with(".js") || probe.name.ends_with(".cjs"))
      required += (required.empty() ? "--require " : " --require ") + folder + "/" + std::string(probe.name);
  }
  if (!required.empty()) environment.emplace_back("NODE_OPTIONS", before(required, "NODE_OPTIONS", ' '));
  return environment;
}

}  // namespace lab
