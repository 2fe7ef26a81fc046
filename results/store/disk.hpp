#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "lab/core/error.hpp"
#include "lab/core/process.hpp"

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
  void append(std::string_view bytes);
  /// Hands what is buffered to the kernel: it then survives this process, but not a power cut.
  void flush();
  /// Flushes, syncs to the disk and closes.
  void close();
  /// Bytes that the kernel has.
  std::uint64_t size() const { return size_; }
  /// Cuts off all behind the first `size` bytes; what was wrong is forgotten, and writing goes on there.
  bool cut(std::uint64_t size);
  int fd() const { return fd_.get(); }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  OutputFile(UniqueFd fd, std::filesystem::path path, Disk& disk)
      : fd_(std::move(fd)), path_(std::move(path)), disk_(&disk) {}
  void fail(std::string_view call, int error_number);

  UniqueFd fd_;
  std::filesystem::path path_;
  Disk* disk_;
  std::string buffer_;
  std::uint64_t size_ = 0;
  std::optional<Error> failure_;
};

/// One line of a file, without its newline.
struct RawLine {
  std::uint64_t offset = 0;
  std::string text;
  bool ended = true;  ///< by a newline
};

/// Reads a regular file as bytes: what stands at some offset, or line by line. Not thread-safe.
class InputFile {
 public:
  explicit InputFile(const std::filesystem::path& path);

  /// errno of the call that failed, 0 if none did.
  int error() const { return error_; }
  std::uint64_t size() const { return size_; }
  /// What there is of `length` bytes at `offset`; fewer at the end of the file or where the disk fails. Holds
  /// until the next call of any.
  std::string_view at(std::uint64_t offset, std::uint64_t length);
  /// False at the end of the file, and where it cannot be read any further.
  bool next(RawLine& line);
  /// Lines go on `bytes` before the end of the file.
  void seek_from_end(std::uint64_t bytes);

 private:
  UniqueFd fd_;
  int error_ = 0;
  std::uint64_t size_ = 0;
  std::string buffer_;
  std::uint64_t offset_ = 0;  ///< of the next byte that next() looks at
  std::string_view unread_;   ///< of the buffer
};

/// Makes a folder's entries survive a power cut (fsync(2) of the folder).
Result<void> sync_folder(const std::filesystem::path& folder, Disk& disk);

/// Under a temporary name (`.part`), synced, then renamed: what bears the name is whole.
Result<void> write_whole(const std::filesystem::path& path, const std::string& text);

}  // namespace lab
