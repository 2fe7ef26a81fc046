#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <fstream>

#include "lab/core/text.hpp"
#include "lab/course/grade_autograder.hpp"

namespace lab {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

/// Files with that extension anywhere below, sorted; those of hidden folders and of macOS's archiver are not
/// the student's.
std::vector<fs::path> files_below(const fs::path& folder, std::string_view extension) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.') || name == "__MACOSX") {
      entry.disable_recursion_pending();
    } else if (entry->path().extension() == extension && entry->is_regular_file(error)) {
      files.push_back(entry->path());
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string names_of(const std::vector<fs::path>& files) {
  std::vector<std::string> names;
  for (const fs::path& file : files) names.push_back(file.filename().string());
  return join(names, ", ");
}

std::vector<std::string> students_in(const fs::path& metadata) {
  std::ifstream file(metadata);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  boost::system::error_code error;
  const json::value document = json::parse(text, error);
  const json::object* object = error ? nullptr : document.if_object();
  const json::value* users = object == nullptr ? nullptr : object->if_contains("users");
  std::vector<std::string> students;
  if (users == nullptr || !users->is_array()) return students;
  for (const json::value& user : users->get_array()) {
    if (!user.is_object()) continue;
    for (const char* key : {"email", "sid", "id", "name"}) {
      const json::value* value = user.get_object().if_contains(key);
      if (value == nullptr || value->is_null()) continue;
      students.push_back(value->is_string() ? std::string(value->get_string()) : json::serialize(*value));
    }
  }
  return students;
}

}  // namespace

Result<void> Submission::check_student(const std::string& id) const {
  if (students.empty()) return usage_error("submission_metadata.json does not say who submits");
  if (std::find(students.begin(), students.end(), id) != students.end()) return {};
  return usage_error("\"student\" is '{}', but it is handed in by {}", id.substr(0, 60), students.front());
}

Result<Submission> find_submission(const fs::path& folder) {
  Submission submission;
  const std::vector<fs::path> answers = files_below(folder / "submission", ".json");
  if (answers.empty()) return usage_error("no answer file (*.json) was handed in");
  if (answers.size() > 1)
    return usage_error("hand in one answer file; these are {}: {}", answers.size(), names_of(answers));
  const std::vector<fs::path> runs = files_below(folder / "submission", ".jsonl");
  if (runs.size() > 1) return usage_error("hand in one run; these are {}: {}", runs.size(), names_of(runs));
  submission.answers = answers.front();
  if (!runs.empty()) submission.run = runs.front();
  submission.students = students_in(folder / "submission_metadata.json");
  return submission;
}

Result<void> write_results(const fs::path& folder, const std::string& text) {
  std::error_code error;
  fs::create_directories(folder / "results", error);
  const fs::path path = folder / "results/results.json";
  std::ofstream file(path, std::ios::binary);
  if (!(file << text).flush()) return system_error("write", path.string(), errno);
  return {};
}

}  // namespace lab
