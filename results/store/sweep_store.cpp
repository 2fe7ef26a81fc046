#include "results/store/sweep_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <string_view>
#include <system_error>

#include "lab/core/text.hpp"
#include "results/store/disk.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr const char* kManifest = "sweep.json";

}  // namespace

fs::path default_sweeps_folder() {
  return default_runs_folder().parent_path() / "sweeps";
}

Result<fs::path> create_sweep(const std::optional<fs::path>& save, const SweepManifest& manifest) {
  std::error_code error;
  fs::path folder = save.value_or("");
  if (save && fs::exists(folder / kManifest, error)) {
    return usage_error("--save: {} already holds a sweep; continue it with lab sweep --resume {}",
                       folder.string(), folder.string());
  }
  if (save && fs::exists(folder, error) && !fs::is_empty(folder, error))
    return usage_error("--save: {} is not empty; give a new folder", folder.string());
  if (save) fs::create_directories(folder, error);
  if (!save) {
    std::string time = manifest.started.substr(0, 19);
    std::ranges::replace(time, ':', '-');
    const std::string name = fmt::format("{}Z-{}", time, manifest.scenario);
    fs::create_directories(default_sweeps_folder(), error);
    bool made = false;
    for (int number = 1; !made && !error && number < 100; ++number) {
      folder = default_sweeps_folder() / (number == 1 ? name : fmt::format("{}-{}", name, number));
      made = fs::create_directory(folder, error);
    }
  }
  if (error)
    return environment_error("the sweep's folder {}: {}; see --save", folder.string(), error.message());
  LAB_CHECK(write_whole(folder / kManifest, valid_utf8(json::serialize(json::value_from(manifest))) + "\n"));
  return folder;
}

Result<fs::path> find_sweep(const std::string& name) {
  std::error_code error;
  if (fs::exists(fs::path(name) / kManifest, error)) return fs::path(name);
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(default_sweeps_folder(), error)) {
    if (fs::exists(entry.path() / kManifest, error)) names.push_back(entry.path().filename().string());
  }
  std::sort(names.rbegin(), names.rend());  // they begin with their time: newest first
  for (const std::string& one : names) {
    if (name == "last" || name == one || one.ends_with("Z-" + name)) return default_sweeps_folder() / one;
  }
  if (names.empty())
    return usage_error("--resume: there is no sweep '{}' and none in {}", name,
                       default_sweeps_folder().string());
  return usage_error("--resume: no sweep '{}'{}", name, suggestion(name, names));
}

Result<SweepManifest> read_manifest(const fs::path& sweep) {
  const fs::path path = sweep / kManifest;
  InputFile file(path);
  const std::string_view text = file.at(0, file.size());
  if (file.error() != 0) return usage_error("{} cannot be read", path.string());
  try {
    const json::value object = json::parse(json::string_view(text.data(), text.size()));
    if (object.at("schema") != json::string(SweepManifest().schema))
      return usage_error("{}: of schema {}, which this program does not read", path.string(),
                         json::serialize(object.at("schema")));
    return json::value_to<SweepManifest>(object);
  } catch (const std::exception& problem) {
    return usage_error("{} is damaged: {}", path.string(), problem.what());
  }
}

fs::path point_folder(const fs::path& sweep, std::size_t point) {
  return sweep / fmt::format("point-{:04}", point + 1);
}

bool point_is_done(const fs::path& sweep, std::size_t point) {
  std::error_code error;
  return fs::exists(point_folder(sweep, point) / "run.jsonl", error);
}

}  // namespace lab
