#include "results/store/beside_runs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <functional>
#include <system_error>

#include "lab/core/json_members.hpp"
#include "lab/core/text.hpp"
#include "results/store/disk.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr const char* kManifest = "sweep.json";

/// `2026-11-23T16-30-00Z`: names begin with their time, so that they stand in its order.
std::string time_name(const std::string& utc) {
  std::string time = utc.substr(0, 19) + "Z";
  std::ranges::replace(time, ':', '-');
  return time;
}

/// The names of those that are wanted, newest first.
std::vector<std::string> names_in(const fs::path& folder,
                                  const std::function<bool(const fs::path&)>& wanted) {
  std::error_code error;
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (wanted(entry.path())) names.push_back(entry.path().filename().string());
  }
  std::sort(names.rbegin(), names.rend());
  return names;
}

Result<std::string> text_of(const fs::path& path) {
  InputFile file(path);
  const std::string text(file.at(0, file.size()));
  if (file.error() != 0) return usage_error("{} cannot be read", path.string());
  return text;
}

bool is_of_target(const std::string& document, const std::string& target) {
  json::error_code problem;
  const json::value value = json::parse(document, problem);
  return !problem && JsonMembers(value).text("target") == printable(target, false);
}

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
    const std::string name = fmt::format("{}-{}", time_name(manifest.started), manifest.scenario);
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
  const std::vector<std::string> names = names_in(
      default_sweeps_folder(), [&](const fs::path& path) { return fs::exists(path / kManifest, error); });
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
  LAB_TRY(const std::string text, text_of(path));
  try {
    const json::value object = json::parse(text);
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

fs::path default_diagnoses_folder() {
  return default_runs_folder().parent_path() / "diagnoses";
}

Result<fs::path> save_diagnosis(const fs::path& folder, const std::string& started_utc,
                                const std::string& document) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return environment_error("the diagnoses' folder {}: {}", folder.string(), error.message());
  const std::string time = time_name(started_utc);
  fs::path path = folder / (time + ".json");
  for (int number = 2; fs::exists(path, error); ++number)
    path = folder / fmt::format("{}-{}.json", time, number);
  LAB_CHECK(write_whole(path, document));
  return path;
}

Result<std::string> find_diagnosis(const fs::path& folder, const std::string& name,
                                   const std::string& target) {
  std::error_code error;
  if (name != "last") return text_of(fs::exists(name, error) ? fs::path(name) : folder / name);
  for (const std::string& file :
       names_in(folder, [](const fs::path& path) { return path.extension() == ".json"; })) {
    auto document = text_of(folder / file);
    if (document && is_of_target(*document, target)) return document;
  }
  return usage_error("there is no diagnosis of {} in {}; the first one is made without it", target,
                     folder.string());
}

}  // namespace lab
