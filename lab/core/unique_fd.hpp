#pragma once

#include <unistd.h>

#include <cstdint>
#include <utility>

namespace lab {

/// Owns a file descriptor. Not thread-safe.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

/// A descriptor that came through a channel between processes, and the number that came with it.
struct PassedDescriptor {
  UniqueFd fd;  ///< none: nothing was passed with it, or this process has no descriptor free
  std::int32_t number = 0;
};

/// Sends a message through a Unix socket that keeps its bounds (SCM_RIGHTS, unix(7)); `fd` -1: the number
/// alone. `flags` of sendmsg(2). False: errno says why.
bool pass_descriptor(int channel, int fd, std::int32_t number, int flags);

/// Takes the next such message. `flags` of recvmsg(2). False: there is none, or the other end is gone.
bool take_descriptor(int channel, PassedDescriptor& passed, int flags);

}  // namespace lab
