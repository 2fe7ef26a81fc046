#include "lab/experiment/sweep_folder.hpp"

#include <fcntl.h>
#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <fstream>
#include <sstream>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/store/disk.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr const char* kSchema = "lab.sweep-manifest/1";
constexpr const char* kManifest = "sweep.json";
constexpr const char* kUnfinished = "sweep.json.part";

json::array texts(const std::vector<std::string>& all) {
  json::array array;
  for (const std::string& one : all) array.push_back(json::string(valid_utf8(one)));
  return array;
}

std::string to_text(const SweepManifest& manifest) {
  return json::serialize(json::object{{"schema", kSchema},
                                      {"scenario", manifest.scenario},
                                      {"asked_for", valid_utf8(manifest.asked_for)},
                                      {"source", valid_utf8(manifest.source)},
                                      {"version", manifest.version},
                                      {"kernel", manifest.kernel},
                                      {"cores", manifest.cores},
                                      {"started", manifest.started_utc},
                                      {"stat", manifest.stat},
                                      {"vary", texts(manifest.vary)},
                                      {"arguments", texts(manifest.arguments)}}) +
         "\n";
}

std::vector<std::string> read_texts(const json::value& value) {
  std::vector<std::string> all;
  for (const json::value& one : value.as_array()) all.emplace_back(one.as_string());
  return all;
}

/// Under a temporary name, synced, then renamed: what bears the name is whole.
Result<void> write_whole(const fs::path& folder, const std::string& text) {
  Disk& disk = Disk::real();
  auto file = OutputFile::create(folder / kUnfinished, disk);
  if (!file) return file.error();
  file->append(text);
  file->close();
  if (file->failure()) return *file->failure();
  const fs::path to = folder / kManifest;
  if (disk.rename((folder / kUnfinished).c_str(), to.c_str(), 0) != 0)
    return system_error("rename", to.string(), errno);
  return sync_folder(folder, disk);
}

}  // namespace

fs::path default_sweeps_folder() {
  return default_runs_folder().parent_path() / "sweeps";
}

Result<fs::path> create_sweep(const std::optional<fs::path>& save, const SweepManifest& manifest) {
  std::error_code error;
  fs::path folder = save.value_or("");
  if (save && fs::exists(folder / kManifest, error)) {
    return usage_error("--save: {} holds a sweep already; go on with it by lab sweep --resume {}",
                       folder.string(), folder.string());
  }
  if (save && fs::exists(folder, error) && !fs::is_empty(folder, error))
    return usage_error("--save: {} is not empty; give a new folder", folder.string());
  if (save) fs::create_directories(folder, error);
  if (!save) {
    std::string time = manifest.started_utc.substr(0, 19);
    std::replace(time.begin(), time.end(), ':', '-');
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
  if (auto written = write_whole(folder, to_text(manifest)); !written) return written.error();
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
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  if (!file) return usage_error("{} cannot be read", path.string());
  try {
    const json::object object = json::parse(text.str()).as_object();
    if (object.at("schema") != kSchema)
      return usage_error("{}: of schema {}, which this program does not read", path.string(),
                         json::serialize(object.at("schema")));
    const auto get = [&](const char* key) { return std::string(object.at(key).as_string()); };
    SweepManifest manifest;
    manifest.scenario = get("scenario");
    manifest.asked_for = get("asked_for");
    manifest.source = get("source");
    manifest.version = get("version");
    manifest.kernel = get("kernel");
    manifest.cores = static_cast<int>(object.at("cores").as_int64());
    manifest.started_utc = get("started");
    manifest.stat = get("stat");
    manifest.vary = read_texts(object.at("vary"));
    manifest.arguments = read_texts(object.at("arguments"));
    return manifest;
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
