#include "lab/core/temporary.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <string_view>
#include <system_error>
#include <utility>

namespace lab {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kUnique = "XXXXXX";  // what mkdtemp(3) replaces

UniqueFd opened(const fs::path& folder) {
  return UniqueFd(open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
}

/// `lab-files-AbCdEf`
bool is_of_kind(std::string_view name, std::string_view kind) {
  return name.starts_with(kind) && name.size() == kind.size() + 1 + kUnique.size() &&
         name[kind.size()] == '-';
}

}  // namespace

void TemporaryFolder::remove_left_overs() {
  std::error_code problem;
  const fs::path where = fs::temp_directory_path(problem);
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(where, ignored)) {
    const std::string name = entry.path().filename().string();
    const auto is_name = [&](std::string_view kind) { return is_of_kind(name, kind); };
    if (std::ranges::none_of(kTemporaryKinds, is_name)) continue;
    const UniqueFd held = opened(entry.path());
    if (held.valid() && flock(held.get(), LOCK_EX | LOCK_NB) == 0) fs::remove_all(entry.path(), ignored);
  }
}

Result<TemporaryFolder> TemporaryFolder::create(const std::string& kind) {
  std::error_code problem;
  const fs::path where = fs::temp_directory_path(problem);
  if (problem) return system_error("stat", "the folder for temporary files (TMPDIR)", problem.value());
  remove_left_overs();
  for (;;) {
    std::string pattern = (where / fmt::format("{}-{}", kind, kUnique)).string();
    if (mkdtemp(pattern.data()) == nullptr) return system_error("mkdtemp", pattern, errno);
    TemporaryFolder folder;
    folder.path_ = pattern;
    folder.held_ = opened(folder.path_);
    if (!folder.held_.valid()) return system_error("open", pattern, errno);
    flock(folder.held_.get(), LOCK_EX);  // a file system without locks has no left-overs either
    // Before it was held somebody may have taken it for one.
    std::error_code ignored;
    if (fs::exists(folder.path_, ignored)) return folder;
  }
}

TemporaryFolder& TemporaryFolder::operator=(TemporaryFolder&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(held_, other.held_);
  return *this;
}

TemporaryFolder::~TemporaryFolder() {
  std::error_code ignored;
  if (!path_.empty()) fs::remove_all(path_, ignored);
}

}  // namespace lab
