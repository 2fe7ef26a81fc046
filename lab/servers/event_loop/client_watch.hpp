#pragma once

#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "lab/servers/event_loop/loop.hpp"

namespace lab {

using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, Executor>;

/// Interrupts a call whose client has gone, while it lives. Whoever makes it must have no other operation on
/// the socket meanwhile. The loop's thread only.
class ClientWatch {
 public:
  /// Watches nothing.
  ClientWatch() = default;
  /// A client that has only closed its sending side looks the same until something is sent to it, so it
  /// counts as gone. One that has sent more bytes is there, and is watched no further.
  ClientWatch(Socket& socket, Call& call);
  ClientWatch(const ClientWatch&) = delete;
  ClientWatch& operator=(const ClientWatch&) = delete;
  ~ClientWatch();

 private:
  // What the socket's operation knows of; it may end after the watch.
  struct Watched {
    Call* call;
  };
  Socket* socket_ = nullptr;
  std::shared_ptr<Watched> watched_;
};

}  // namespace lab
