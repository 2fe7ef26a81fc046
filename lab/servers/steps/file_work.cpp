#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <vector>

#include "lab/core/unique_fd.hpp"
#include "lab/servers/steps/work_kinds.hpp"

namespace lab {

namespace {

constexpr std::int64_t kOwnSize = 8 << 20;
constexpr std::size_t kPiece = 64 << 10;  // some 10 us

/// The lab's own file of this process; -1 where the kernel gives none. A fork closes it, so it belongs to a
/// pid.
int own_file() {
  static std::mutex mutex;
  static pid_t owner = -1;
  static UniqueFd file;
  const std::lock_guard lock(mutex);
  if (owner == getpid()) return file.get();
  file.release();
  owner = getpid();
  file = UniqueFd(memfd_create("lab-file", MFD_CLOEXEC));
  const std::vector<char> piece(kPiece, 'x');
  for (std::int64_t at = 0; file.valid() && at < kOwnSize; at += static_cast<std::int64_t>(kPiece)) {
    if (pwrite(file.get(), piece.data(), piece.size(), at) < 0) file.reset();
  }
  return file.get();
}

}  // namespace

void make_own_file() {
  own_file();
}

Result<void> read_file(const std::string& path, std::int64_t bytes, const Between& between) {
  const UniqueFd opened(path.empty() ? -1 : open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const int fd = path.empty() ? own_file() : opened.get();
  if (fd < 0)
    return system_error(path.empty() ? "memfd_create" : "open", path.empty() ? "lab-file" : path, errno);
  struct stat facts {};
  if (fstat(fd, &facts) != 0) return system_error("fstat", path, errno);
  if (!S_ISREG(facts.st_mode)) return usage_error("{}: not a regular file; read needs one", path);
  if (facts.st_size == 0 && bytes > 0) return usage_error("{}: the file is empty; read needs bytes", path);
  thread_local std::vector<char> buffer(kPiece);
  std::int64_t at = 0;
  for (std::int64_t left = bytes; left > 0;) {
    const ssize_t size = pread(fd, buffer.data(), std::min<std::size_t>(kPiece, left), at);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return system_error("pread", path, errno);
    at = size == 0 ? 0 : at + size;
    // A file that somebody empties meanwhile must not hold us for ever.
    if (size == 0 && fstat(fd, &facts) == 0 && facts.st_size == 0)
      return environment_error("{}: was emptied while it was read", path);
    left -= size;
    if (between && left > 0) between();
  }
  return {};
}

}  // namespace lab
