#include "lab/core/unique_fd.hpp"

#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace lab {

namespace {

struct Envelope {
  explicit Envelope(std::int32_t& number) {
    body = {&number, sizeof number};
    message.msg_iov = &body;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
  }
  iovec body{};
  msghdr message{};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
};

}  // namespace

bool pass_descriptor(int channel, int fd, std::int32_t number, int flags) {
  Envelope envelope(number);
  if (fd < 0) {
    envelope.message.msg_controllen = 0;
  } else {
    cmsghdr* header = CMSG_FIRSTHDR(&envelope.message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof(int));
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  for (;;) {
    if (sendmsg(channel, &envelope.message, flags | MSG_NOSIGNAL) >= 0) return true;
    if (errno != EINTR) return false;
  }
}

bool take_descriptor(int channel, PassedDescriptor& passed, int flags) {
  for (;;) {
    Envelope envelope(passed.number);
    const ssize_t size = recvmsg(channel, &envelope.message, flags | MSG_CMSG_CLOEXEC);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    passed.fd.reset();
    // Without a free descriptor the kernel drops the one in the message.
    const cmsghdr* header = CMSG_FIRSTHDR(&envelope.message);
    if (header == nullptr || (envelope.message.msg_flags & MSG_CTRUNC) != 0) return true;
    int received = -1;
    std::memcpy(&received, CMSG_DATA(header), sizeof received);
    passed.fd = UniqueFd(received);
    return true;
  }
}

}  // namespace lab
