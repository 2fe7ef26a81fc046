#include "results/store/disk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

namespace lab {

namespace {
constexpr std::size_t kBuffered = std::size_t{1} << 20;
constexpr std::uint64_t kChunk = std::uint64_t{1} << 16;
}  // namespace

ssize_t Disk::write(int fd, const void* data, std::size_t size) {
  return ::write(fd, data, size);
}

int Disk::fsync(int fd) {
  return ::fsync(fd);
}

int Disk::rename(const char* from, const char* to, unsigned flags) {
  return ::renameat2(AT_FDCWD, from, AT_FDCWD, to, flags);
}

Disk& Disk::real() {
  static Disk disk;
  return disk;
}

Result<OutputFile> OutputFile::create(const std::filesystem::path& path, Disk& disk) {
  UniqueFd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!fd.valid()) return system_error("open", path.string(), errno);
  return OutputFile(std::move(fd), path, disk);
}

void OutputFile::fail(std::string_view call, int error_number) {
  if (!failure_) failure_ = system_error(call, path_.string(), error_number);
  buffer_.clear();
}

void OutputFile::append(std::string_view bytes) {
  if (failure_) return;
  buffer_ += bytes;
  if (buffer_.size() >= kBuffered) flush();
}

void OutputFile::flush() {
  std::string_view rest = buffer_;
  while (!failure_ && !rest.empty()) {
    const ssize_t written = disk_->write(fd_.get(), rest.data(), rest.size());
    if (written > 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
      size_ += static_cast<std::uint64_t>(written);
    } else if (written == 0) {
      fail("write", ENOSPC);  // a regular file that takes nothing and names no reason would loop forever
    } else if (errno != EINTR) {
      fail("write", errno);
    }
  }
  buffer_.clear();
}

void OutputFile::close() {
  flush();
  if (!failure_ && disk_->fsync(fd_.get()) != 0) fail("fsync", errno);
  if (fd_.valid() && ::close(fd_.release()) != 0) fail("close", errno);
}

bool OutputFile::cut(std::uint64_t size) {
  const auto end = static_cast<off_t>(size);
  if (!fd_.valid() || ::ftruncate(fd_.get(), end) != 0 || ::lseek(fd_.get(), end, SEEK_SET) != end)
    return false;
  buffer_.clear();
  failure_.reset();
  size_ = size;
  return true;
}

Result<void> sync_folder(const std::filesystem::path& folder, Disk& disk) {
  const UniqueFd fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd.valid()) return system_error("open", folder.string(), errno);
  if (disk.fsync(fd.get()) != 0) return system_error("fsync", folder.string(), errno);
  return {};
}

InputFile::InputFile(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status {};
  if (!fd_.valid() || ::fstat(fd_.get(), &status) != 0) {
    error_ = errno;
  } else if (!S_ISREG(status.st_mode)) {
    error_ = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
  } else {
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
}

std::string_view InputFile::at(std::uint64_t offset, std::uint64_t length) {
  buffer_.resize(static_cast<std::size_t>(std::min(length, size_ > offset ? size_ - offset : 0)));
  std::size_t filled = 0;
  while (filled < buffer_.size()) {
    const ssize_t got = ::pread(fd_.get(), buffer_.data() + filled, buffer_.size() - filled,
                                static_cast<off_t>(offset + filled));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) error_ = errno;
    if (got <= 0) break;
    filled += static_cast<std::size_t>(got);
  }
  return std::string_view(buffer_).substr(0, filled);
}

bool InputFile::next(RawLine& line) {
  line.offset = offset_;
  line.text.clear();
  line.ended = false;
  while (!line.ended) {
    if (unread_.empty()) unread_ = at(offset_, kChunk);
    if (unread_.empty()) break;
    const std::size_t end = unread_.find('\n');
    line.ended = end != std::string_view::npos;
    line.text += unread_.substr(0, end);
    const std::size_t used = line.ended ? end + 1 : unread_.size();
    unread_.remove_prefix(used);
    offset_ += used;
  }
  return line.ended || !line.text.empty();
}

void InputFile::seek_from_end(std::uint64_t bytes) {
  offset_ = bytes < size_ ? size_ - bytes : 0;
  unread_ = {};
}

Result<void> write_whole(const std::filesystem::path& path, const std::string& text) {
  Disk& disk = Disk::real();
  const std::string part = path.string() + ".part";
  LAB_TRY(OutputFile file, OutputFile::create(part, disk));
  file.append(text);
  file.close();
  if (file.failure()) return *file.failure();
  if (disk.rename(part.c_str(), path.c_str(), 0) != 0) return system_error("rename", path.string(), errno);
  return sync_folder(path.parent_path(), disk);
}

}  // namespace lab
