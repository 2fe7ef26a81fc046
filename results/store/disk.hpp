#pragma once

#include <sys/types.h>

#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "lab/core/error.hpp"

namespace lab {

/// The system calls whose failure must not cost a result; a test replaces them to fail at the n-th call.
/// As the system calls: -1 and errno on failure.
class Disk {
 public:
  virtual ~Disk() = default;
  virtual ssize_t write(int fd, const void* data, std::size_t size);
  virtual int fsync(int fd);
  /// renameat2(2); `flags` may be RENAME_NOREPLACE.
  virtual int rename(const char* from, const char* to, unsigned flags);

  static Disk& real();
};

/// A file that is written once from its beginning. Keeps the first error: after it nothing more is written.
/// Not thread-safe.
class OutputFile {
 public:
  /// Errors: as open(2).
  static Result<OutputFile> create(const std::filesystem::path& path, Disk& disk);
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&& other) noexcept;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;
  ~OutputFile();

  void append(std::string_view bytes);
  /// Hands what is buffered to the kernel: it then survives this process, but not a power cut.
  void flush();
  /// Flushes, syncs to the disk and closes.
  void close();
  int fd() const { return fd_; }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  OutputFile(int fd, std::filesystem::path path, Disk& disk)
      : fd_(fd), path_(std::move(path)), disk_(&disk) {}
  void fail(std::string_view call, int error_number);

  int fd_ = -1;
  std::filesystem::path path_;
  Disk* disk_;
  std::string buffer_;
  std::optional<Error> failure_;
};

/// Makes a folder's entries survive a power cut (fsync(2) of the folder).
Result<void> sync_folder(const std::filesystem::path& folder, Disk& disk);

}  // namespace lab
