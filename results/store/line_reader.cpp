#include "results/store/line_reader.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace lab {

namespace {
constexpr std::size_t kChunk = std::size_t{1} << 16;
}

LineReader::LineReader(const std::filesystem::path& path) : fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
  struct stat status {};
  if (fd_ < 0 || ::fstat(fd_, &status) != 0) {
    error_ = errno;
  } else if (!S_ISREG(status.st_mode)) {
    error_ = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
  } else {
    size_ = static_cast<std::uint64_t>(status.st_size);
  }
}

LineReader::~LineReader() {
  if (fd_ >= 0) ::close(fd_);
}

bool LineReader::fill() {
  buffer_.resize(kChunk);
  used_ = 0;
  ssize_t got = 0;
  do {
    got = error_ == 0 ? ::read(fd_, buffer_.data(), buffer_.size()) : 0;
  } while (got < 0 && errno == EINTR);
  if (got < 0) error_ = errno;
  buffer_.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return got > 0;
}

bool LineReader::next(RawLine& line) {
  line.offset = offset_;
  line.text.clear();
  line.ended = false;
  while (!line.ended && (used_ < buffer_.size() || fill())) {
    const std::string_view rest = std::string_view(buffer_).substr(used_);
    const std::size_t end = rest.find('\n');
    line.ended = end != std::string_view::npos;
    const std::string_view part = rest.substr(0, end);
    line.text += part;
    used_ += part.size() + (line.ended ? 1 : 0);
    offset_ += part.size() + (line.ended ? 1 : 0);
  }
  return line.ended || !line.text.empty();
}

void LineReader::seek_from_end(std::uint64_t bytes) {
  if (error_ != 0) return;
  offset_ = bytes < size_ ? size_ - bytes : 0;
  if (::lseek(fd_, static_cast<off_t>(offset_), SEEK_SET) < 0) error_ = errno;
  buffer_.clear();
  used_ = 0;
}

}  // namespace lab
