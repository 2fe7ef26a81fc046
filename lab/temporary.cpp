#include "lab/temporary.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <system_error>
#include <utility>

namespace lab {

namespace fs = std::filesystem;

namespace {

/// Its name tells whose it is: `lab-files-4711-AbCdEf`.
void remove_left_overs(const fs::path& where, const std::string& kind) {
  const std::string prefix = kind + "-";
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(where, ignored)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(prefix)) continue;
    pid_t owner = 0;
    std::from_chars(name.data() + prefix.size(), name.data() + name.size(), owner);
    if (owner <= 0 || kill(owner, 0) == 0 || errno != ESRCH) continue;
    fs::remove_all(entry.path(), ignored);
  }
}

}  // namespace

Result<TemporaryFolder> TemporaryFolder::create(const std::string& kind) {
  std::error_code problem;
  const fs::path where = fs::temp_directory_path(problem);
  remove_left_overs(where, kind);
  std::string pattern = (where / fmt::format("{}-{}-XXXXXX", kind, getpid())).string();
  if (mkdtemp(pattern.data()) == nullptr) return system_error("mkdtemp", pattern, errno);
  TemporaryFolder folder;
  folder.path_ = pattern;
  return folder;
}

TemporaryFolder::TemporaryFolder(TemporaryFolder&& other) noexcept : path_(std::exchange(other.path_, {})) {}

TemporaryFolder& TemporaryFolder::operator=(TemporaryFolder&& other) noexcept {
  std::swap(path_, other.path_);
  return *this;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace lab
