#include <cerrno>
#include <cstdlib>
#include <fstream>
#include <set>
#include <system_error>

#include "lab/core/process.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kExtension = ".toml";

Result<Scenario> load_file(const fs::path& path, std::span<const Traits> modes, const Overrides& overrides) {
  LAB_TRY(const std::string text, read_toml_file(path));
  return parse_scenario(text, path.string(), modes, overrides);
}

Error unknown_scenario(const std::string& name) {
  const std::vector<std::string> known = scenario_names();
  if (!known.empty())
    return usage_error("unknown scenario '{}'{}; lab list shows all", name, suggestion(name, known));
  const auto searched = mapped(scenario_folders(), [](const fs::path& folder) { return folder.string(); });
  return usage_error("unknown scenario '{}': there are none in {}; set LAB_SCENARIOS to their folder", name,
                     join(searched, ", "));
}

}  // namespace

Result<std::string> read_toml_file(const fs::path& path) {
  const auto unreadable = [&](int error_number) {
    Error error =
        usage_error("{}: cannot be read: {}", path.string(), std::generic_category().message(error_number));
    const bool names_no_file = error_number == ENOENT || error_number == ENOTDIR || error_number == EISDIR;
    if (!names_no_file) error.kind = ErrorKind::environment;
    return error;
  };
  std::error_code ignored;
  if (fs::is_directory(path, ignored)) return unreadable(EISDIR);
  errno = 0;
  std::ifstream file(path, std::ios::binary);
  if (!file) return unreadable(errno);
  std::string text(kLargestFile + 1, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return unreadable(errno != 0 ? errno : EIO);
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

bool is_scenario_path(const std::string& text) {
  return text.find('/') != std::string::npos || text.ends_with(kExtension);
}

std::vector<fs::path> scenario_folders() {
  std::vector<fs::path> folders;
  const char* chosen = std::getenv("LAB_SCENARIOS");
  if (chosen != nullptr) {
    for (const std::string& folder : split(chosen, ':')) {
      if (!folder.empty()) folders.emplace_back(folder);
    }
  }
  if (const auto root = checkout_root()) folders.push_back(*root / "scenarios");
  folders.push_back(installed_share() / "scenarios");
  return folders;
}

std::vector<std::string> scenario_names() {
  std::set<std::string> names;
  for (const fs::path& folder : scenario_folders()) {
    std::error_code error;
    fs::directory_iterator entries(folder, error);
    for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
      const fs::path& path = entries->path();
      std::error_code ignored;
      if (path.extension() == kExtension && fs::is_regular_file(path, ignored))
        names.insert(path.stem().string());
    }
  }
  return {names.begin(), names.end()};
}

Result<Scenario> load_scenario(const std::string& name_or_path, std::span<const Traits> modes,
                               const Overrides& overrides) {
  if (is_scenario_path(name_or_path)) return load_file(name_or_path, modes, overrides);
  for (const fs::path& folder : scenario_folders()) {
    const fs::path path = folder / (name_or_path + std::string(kExtension));
    std::error_code error;
    if (!name_or_path.empty() && fs::exists(path, error)) return load_file(path, modes, overrides);
  }
  return unknown_scenario(name_or_path);
}

}  // namespace lab
