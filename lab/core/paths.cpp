#include "lab/core/paths.hpp"

#include <unistd.h>

#include <cstdlib>
#include <system_error>

#include "lab/core/text.hpp"

namespace lab {

namespace fs = std::filesystem;

fs::path program_path() {
  std::error_code error;
  fs::path path = fs::read_symlink("/proc/self/exe", error);
  return error ? fs::path("lab") : path;
}

static std::optional<fs::path> checkout_above(fs::path folder) {
  std::error_code error;
  for (; !folder.empty(); folder = folder.parent_path()) {
    if (fs::exists(folder / "labw", error) && fs::is_directory(folder / "scenarios", error)) return folder;
    if (folder == folder.root_path()) break;
  }
  return std::nullopt;
}

std::optional<fs::path> checkout_root() {
  if (auto root = checkout_above(program_path().parent_path())) return root;
  std::error_code error;
  return checkout_above(fs::current_path(error));
}

std::optional<fs::path> find_program(std::string_view name) {
  const char* path = std::getenv("PATH");
  for (const std::string& folder : split(path == nullptr ? "/usr/bin:/bin" : path, ':')) {
    const fs::path candidate = fs::path(folder) / name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return std::nullopt;
}

fs::path installed_share() {
  return program_path().parent_path().parent_path() / "share" / "lab";
}

}  // namespace lab
