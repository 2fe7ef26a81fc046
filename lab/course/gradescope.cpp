#include <elf.h>
#include <minizip/zip.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cerrno>
#include <fstream>
#include <memory>
#include <utility>

#include "lab/core/process.hpp"
#include "lab/core/text.hpp"
#include "lab/course/grade.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace fs = std::filesystem;
namespace json = boost::json;

namespace {

constexpr const char* kSetupScript = R"(#!/bin/sh
# Run once by Gradescope, when the image is made. Nothing has to be installed: the program is statically linked.
set -e
chmod 755 "${AUTOGRADER:-/autograder}/source/bin/lab"
"${AUTOGRADER:-/autograder}/source/bin/lab" --version
)";

constexpr const char* kRun = R"(#!/bin/sh
# Run by Gradescope for each submission: grades submission/*.json, with a run.jsonl where there is one.
folder=${{AUTOGRADER:-/autograder}}
exec "$folder/source/bin/lab" grade --gradescope-folder "$folder"{}
)";

std::optional<std::string> text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text{std::istreambuf_iterator<char>(file), {}};
  return file ? std::optional(std::move(text)) : std::nullopt;
}

/// Statically linked programs name no interpreter that would load their libraries.
void check_static(const std::string& program, const fs::path& path) {
  Elf64_Ehdr header{};
  const bool elf = program.size() >= sizeof header && program.starts_with(ELFMAG);
  if (elf) program.copy(reinterpret_cast<char*>(&header), sizeof header);
  refuse_if(!elf || header.e_phentsize != sizeof(Elf64_Phdr), "--program: {} is no program for 64-bit Linux",
            path.string());
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    const std::size_t at = header.e_phoff + i * sizeof segment;
    if (at + sizeof segment > program.size()) break;
    program.copy(reinterpret_cast<char*>(&segment), sizeof segment, at);
    refuse_if(segment.p_type == PT_INTERP,
              "{} needs shared libraries that Gradescope lacks; give the static one of the tarball "
              "with --program PATH",
              path.string());
  }
}

struct ZipClosing {
  void operator()(void* zip) const { zipClose(zip, nullptr); }
};
using Zip = std::unique_ptr<void, ZipClosing>;

/// False where it cannot be written.
bool add(const Zip& zip, const std::string& name, const std::string& text, mode_t mode) {
  constexpr unsigned long kMadeOnUnix = 3U << 8U | 30U;
  zip_fileinfo info{};
  info.tmz_date = {0, 0, 0, 1, 0, 2020};  // the same content is the same file
  info.external_fa = static_cast<uLong>(S_IFREG | mode) << 16U;
  return zipOpenNewFileInZip4(zip.get(), name.c_str(), &info, nullptr, 0, nullptr, 0, nullptr, Z_DEFLATED,
                              Z_DEFAULT_COMPRESSION, 0, -MAX_WBITS, DEF_MEM_LEVEL, Z_DEFAULT_STRATEGY,
                              nullptr, 0, kMadeOnUnix, 0) == ZIP_OK &&
         zipWriteInFileInZip(zip.get(), text.data(), static_cast<unsigned>(text.size())) == ZIP_OK &&
         zipCloseFileInZip(zip.get()) == ZIP_OK;
}

std::string options_of(const AutograderPackage& package, const std::string& scenario) {
  std::string options = " --scenario " + shell_word(scenario);
  if (!package.problem.only.empty()) options += " --only " + shell_word(join(package.problem.only, ","));
  if (!package.secret.empty()) options += " --secret-file \"$folder/source/secret.txt\"";
  if (package.show_answers) options += " --show-answers";
  return options;
}

/// Files with that extension anywhere below, sorted; those of hidden folders and of macOS's archiver are not
/// the student's, and what a link names may be the teacher's.
std::vector<fs::path> files_below(const fs::path& folder, std::string_view extension) {
  std::vector<fs::path> files;
  std::error_code error;
  for (fs::recursive_directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (name.starts_with('.') || name == "__MACOSX") {
      entry.disable_recursion_pending();
    } else if (entry->path().extension() == extension && fs::is_regular_file(entry->symlink_status(error))) {
      files.push_back(entry->path());
    }
  }
  std::ranges::sort(files);
  return files;
}

/// The only file of that kind; an empty path where there is none.
fs::path the_one(const fs::path& folder, std::string_view extension, std::string_view what) {
  const std::vector<fs::path> files = files_below(folder, extension);
  const auto names = mapped(files, [](const fs::path& file) { return file.filename().string(); });
  refuse_if(files.size() > 1, "hand in one {}; these are {}: {}", what, files.size(), join(names, ", "));
  return files.empty() ? fs::path() : files.front();
}

std::vector<std::string> students_in(const fs::path& metadata) {
  boost::system::error_code error;
  const json::value document = json::parse(text_of(metadata).value_or(""), error);
  const json::value* users = error ? nullptr : document.find_pointer("/users", error);
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

void write_autograder(const fs::path& out, const AutograderPackage& package) {
  const Scenario scenario = load_scenario(package.problem.name, known_modes()).value();
  const fs::path path = package.program.value_or(program_path());
  const auto program = text_of(path);
  refuse_if(!program, "--program: {}: cannot be read", path.string());
  check_static(*program, path);
  fs::path written = out;
  written += ".part";
  Zip zip(zipOpen64(written.c_str(), APPEND_STATUS_CREATE));
  if (zip == nullptr) throw Failure(system_error("open", written.string(), errno));
  const bool whole =
      add(zip, "setup.sh", kSetupScript, 0755) &&
      add(zip, "run_autograder", fmt::format(kRun, options_of(package, scenario.name)), 0755) &&
      add(zip, "bin/lab", *program, 0755) &&
      add(zip, "share/lab/scenarios/" + scenario.name + ".toml", scenario.source, 0644) &&
      (package.secret.empty() || add(zip, "secret.txt", package.secret + "\n", 0600)) &&
      zipClose(zip.release(), nullptr) == ZIP_OK;
  const int problem = errno;
  std::error_code error;
  if (!whole) fs::remove(written, error);
  if (!whole) throw Failure(system_error("write", written.string(), problem));
  fs::rename(written, out, error);
  if (error) throw Failure(system_error("rename", out.string(), error.value()));
}

void Submission::check_student(const std::string& id) const {
  refuse_if(students.empty(), "submission_metadata.json does not say who submits");
  refuse_if(!contains(students, id), "\"student\" is '{}', but it is handed in by {}", id.substr(0, 60),
            students.front());
}

Submission find_submission(const fs::path& folder) {
  Submission submission;
  submission.answers = the_one(folder / "submission", ".json", "answer file");
  refuse_if(submission.answers.empty(), "no answer file (*.json) was handed in");
  submission.run = the_one(folder / "submission", ".jsonl", "run");
  submission.students = students_in(folder / "submission_metadata.json");
  return submission;
}

void write_results(const fs::path& folder, const std::string& text) {
  std::error_code error;
  fs::create_directories(folder / "results", error);
  const fs::path path = folder / "results/results.json";
  std::ofstream file(path, std::ios::binary);
  if (!(file << text).flush()) throw Failure(system_error("write", path.string(), errno));
}

}  // namespace lab
