#include "lab/course/grade_autograder.hpp"

#include <elf.h>
#include <fmt/format.h>
#include <minizip/zip.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <memory>

#include "lab/core/paths.hpp"
#include "lab/core/text.hpp"
#include "lab/servers/mode.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace fs = std::filesystem;

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

/// Statically linked programs name no interpreter that would load their libraries.
Result<void> check_static(const std::string& program, const fs::path& path) {
  Elf64_Ehdr header{};
  const bool elf = program.size() >= sizeof header && program.starts_with(ELFMAG);
  if (elf) program.copy(reinterpret_cast<char*>(&header), sizeof header);
  if (!elf || header.e_phentsize != sizeof(Elf64_Phdr))
    return usage_error("--program: {} is no program for 64-bit Linux", path.string());
  for (std::size_t i = 0; i < header.e_phnum; ++i) {
    Elf64_Phdr segment{};
    const std::size_t at = header.e_phoff + i * sizeof segment;
    if (at + sizeof segment > program.size()) break;
    program.copy(reinterpret_cast<char*>(&segment), sizeof segment, at);
    if (segment.p_type == PT_INTERP) {
      return usage_error(
          "{} needs shared libraries that Gradescope lacks; give the static one of the tarball "
          "with --program PATH",
          path.string());
    }
  }
  return {};
}

class Zip {
 public:
  explicit Zip(const fs::path& path) : path_(path), zip_(zipOpen64(path.c_str(), APPEND_STATUS_CREATE)) {
    if (zip_ == nullptr) throw Failure(system_error("open", path.string(), errno));
  }
  Zip(const Zip&) = delete;
  Zip& operator=(const Zip&) = delete;
  ~Zip() {
    if (zip_ != nullptr) zipClose(zip_, nullptr);
  }

  void add(const std::string& name, const std::string& text, mode_t mode) {
    constexpr unsigned long kMadeOnUnix = 3U << 8U | 30U;
    zip_fileinfo info{};
    info.tmz_date = {0, 0, 0, 1, 0, 2020};  // the same content is the same file
    info.external_fa = static_cast<uLong>(S_IFREG | mode) << 16U;
    const bool written =
        zipOpenNewFileInZip4(zip_, name.c_str(), &info, nullptr, 0, nullptr, 0, nullptr, Z_DEFLATED,
                             Z_DEFAULT_COMPRESSION, 0, -MAX_WBITS, DEF_MEM_LEVEL, Z_DEFAULT_STRATEGY, nullptr,
                             0, kMadeOnUnix, 0) == ZIP_OK &&
        zipWriteInFileInZip(zip_, text.data(), static_cast<unsigned>(text.size())) == ZIP_OK &&
        zipCloseFileInZip(zip_) == ZIP_OK;
    if (!written) throw Failure(system_error("write", path_.string(), errno));
  }

  void close() {
    if (zipClose(std::exchange(zip_, nullptr), nullptr) != ZIP_OK)
      throw Failure(system_error("write", path_.string(), errno));
  }

 private:
  fs::path path_;
  zipFile zip_;
};

std::string options_of(const AutograderPackage& package, const std::string& scenario) {
  std::string options = " --scenario " + shell_word(scenario);
  if (!package.only.empty()) options += " --only " + shell_word(join(package.only, ","));
  if (!package.secret.empty()) options += " --secret-file \"$folder/source/secret.txt\"";
  if (package.show_answers) options += " --show-answers";
  return options;
}

}  // namespace

Result<void> write_autograder(const fs::path& out, const AutograderPackage& package) {
  const auto scenario = load_scenario(package.scenario, known_modes());
  if (!scenario) return scenario.error();
  const fs::path path = package.program.value_or(program_path());
  std::ifstream file(path, std::ios::binary);
  const std::string program{std::istreambuf_iterator<char>(file), {}};
  if (!file) return usage_error("--program: {}: cannot be read", path.string());
  if (const auto fits = check_static(program, path); !fits) return fits.error();
  fs::path written = out;
  written += ".part";
  std::error_code error;
  try {
    Zip zip(written);
    zip.add("setup.sh", kSetupScript, 0755);
    zip.add("run_autograder", fmt::format(kRun, options_of(package, scenario->name)), 0755);
    zip.add("bin/lab", program, 0755);
    zip.add("share/lab/scenarios/" + scenario->name + ".toml", scenario->source, 0644);
    if (!package.secret.empty()) zip.add("secret.txt", package.secret + "\n", 0600);
    zip.close();
  } catch (const Failure& failure) {
    fs::remove(written, error);
    return failure.error();
  }
  fs::rename(written, out, error);
  if (error) return system_error("rename", out.string(), error.value());
  return {};
}

}  // namespace lab
