#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace lab {

/// One line of a file, without its newline.
struct RawLine {
  std::uint64_t offset = 0;
  std::string text;
  bool ended = true;  ///< by a newline
};

/// Reads a file line by line, as bytes. Not thread-safe.
class LineReader {
 public:
  explicit LineReader(const std::filesystem::path& path);
  LineReader(const LineReader&) = delete;
  LineReader& operator=(const LineReader&) = delete;
  ~LineReader();

  /// errno of the call that failed, 0 if none did.
  int error() const { return error_; }
  std::uint64_t size() const { return size_; }
  /// False at the end of the file, and where it cannot be read any further.
  bool next(RawLine& line);
  /// Goes on `bytes` before the end of the file.
  void seek_from_end(std::uint64_t bytes);

 private:
  bool fill();

  int fd_ = -1;
  int error_ = 0;
  std::uint64_t size_ = 0;
  std::uint64_t offset_ = 0;  ///< of the next byte that next() looks at
  std::string buffer_;
  std::size_t used_ = 0;
};

}  // namespace lab
