#include "lab/servers/event_loop/client_watch.hpp"

#include <sys/socket.h>

#include <cerrno>

#include "lab/servers/steps/call.hpp"

namespace lab {

namespace {

bool has_gone(int fd) {
  char byte = 0;
  const ssize_t size = ::recv(fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return size == 0 || (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

}  // namespace

ClientWatch::ClientWatch(Socket& socket, Call& call)
    : socket_(&socket), watched_(std::make_shared<Watched>(Watched{&call})) {
  socket.async_wait(Socket::wait_read,
                    [subject = watched_, &socket](const boost::system::error_code& problem) {
                      if (problem || subject->call == nullptr) return;
                      if (has_gone(socket.native_handle())) subject->call->interrupt();
                    });
}

ClientWatch::~ClientWatch() {
  if (watched_ == nullptr) return;
  watched_->call = nullptr;
  boost::system::error_code ignored;
  socket_->cancel(ignored);
}

}  // namespace lab
