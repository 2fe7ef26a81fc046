#include "results/store/disk.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

namespace lab {

namespace {
constexpr std::size_t kBuffered = std::size_t{1} << 20;
}

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
  const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) return system_error("open", path.string(), errno);
  return OutputFile(fd, path, disk);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : fd_(std::exchange(other.fd_, -1)),
      path_(std::move(other.path_)),
      disk_(other.disk_),
      buffer_(std::move(other.buffer_)),
      failure_(std::move(other.failure_)) {}

OutputFile& OutputFile::operator=(OutputFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  std::swap(path_, other.path_);
  std::swap(disk_, other.disk_);
  std::swap(buffer_, other.buffer_);
  std::swap(failure_, other.failure_);
  return *this;
}

OutputFile::~OutputFile() {
  if (fd_ >= 0) ::close(fd_);
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
    const ssize_t written = disk_->write(fd_, rest.data(), rest.size());
    if (written > 0) {
      rest.remove_prefix(static_cast<std::size_t>(written));
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
  if (!failure_ && disk_->fsync(fd_) != 0) fail("fsync", errno);
  if (fd_ >= 0 && ::close(std::exchange(fd_, -1)) != 0) fail("close", errno);
}

Result<void> sync_folder(const std::filesystem::path& folder, Disk& disk) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return system_error("open", folder.string(), errno);
  const bool synced = disk.fsync(fd) == 0;
  const int error_number = errno;
  ::close(fd);
  if (!synced) return system_error("fsync", folder.string(), error_number);
  return {};
}

}  // namespace lab
