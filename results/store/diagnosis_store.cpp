#include "results/store/diagnosis_store.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <system_error>
#include <vector>

#include "results/store/disk.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

Result<std::string> read_document(const fs::path& path) {
  InputFile file(path);
  const std::string text(file.at(0, file.size()));
  if (file.error() != 0) return usage_error("{} cannot be read", path.string());
  return text;
}

bool is_of_target(const std::string& document, const std::string& target) {
  json::error_code problem;
  const json::value value = json::parse(document, problem);
  const json::object* object = problem ? nullptr : value.if_object();
  const json::value* found = object != nullptr ? object->if_contains("target") : nullptr;
  const json::string* text = found != nullptr ? found->if_string() : nullptr;
  return text != nullptr && std::string_view(text->data(), text->size()) == target;
}

}  // namespace

fs::path default_diagnoses_folder() {
  return default_runs_folder().parent_path() / "diagnoses";
}

Result<fs::path> save_diagnosis(const fs::path& folder, const std::string& started_utc,
                                const std::string& document) {
  std::error_code error;
  fs::create_directories(folder, error);
  if (error) return environment_error("the diagnoses' folder {}: {}", folder.string(), error.message());
  std::string time = started_utc.substr(0, 19);
  std::ranges::replace(time, ':', '-');
  fs::path path = folder / fmt::format("{}Z.json", time);
  for (int number = 2; fs::exists(path, error); ++number)
    path = folder / fmt::format("{}Z-{}.json", time, number);
  LAB_CHECK(write_whole(path, document));
  return path;
}

Result<std::string> find_diagnosis(const fs::path& folder, const std::string& name,
                                   const std::string& target) {
  std::error_code error;
  if (name != "last") return read_document(fs::exists(name, error) ? fs::path(name) : folder / name);
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, error)) {
    if (entry.path().extension() == ".json") files.push_back(entry.path());
  }
  std::sort(files.rbegin(), files.rend());  // they begin with their time: newest first
  for (const fs::path& file : files) {
    auto document = read_document(file);
    if (document && is_of_target(*document, target)) return document;
  }
  return usage_error("there is no diagnosis of {} in {}; the first one is made without it", target,
                     folder.string());
}

}  // namespace lab
