// An HTTP server on one io_context: /block blocks its thread, /wait waits by a timer. Usage: asio_server
// PORT.
#include <boost/asio.hpp>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <thread>

#include "lab/servers/event_loop/loop_watch.hpp"

namespace asio = boost::asio;
using asio::ip::tcp;

std::string slow_report() {
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  return "rows";
}

class Session : public std::enable_shared_from_this<Session> {
 public:
  explicit Session(tcp::socket socket) : socket_(std::move(socket)), pause_(socket_.get_executor()) {}

  void read() {
    asio::async_read_until(socket_, asio::dynamic_buffer(text_), "\r\n\r\n",
                           [self = shared_from_this()](auto problem, auto size) {
                             if (!problem) self->answer(size);
                           });
  }

 private:
  void answer(std::size_t size) {
    const std::string target = text_.substr(4, text_.find(' ', 4) - 4);
    text_.erase(0, size);
    if (target == "/block") return write(slow_report());
    if (target != "/wait") return write("ok");
    pause_.expires_after(std::chrono::milliseconds(50));
    pause_.async_wait([self = shared_from_this()](auto) { self->write("rested"); });
  }

  void write(const std::string& body) {
    reply_ = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    asio::async_write(socket_, asio::buffer(reply_), [self = shared_from_this()](auto problem, auto) {
      if (!problem) self->read();
    });
  }

  tcp::socket socket_;
  asio::steady_timer pause_;
  std::string text_, reply_;
};

void accept(tcp::acceptor& acceptor) {
  acceptor.async_accept([&acceptor](auto problem, tcp::socket socket) {
    if (!problem) std::make_shared<Session>(std::move(socket))->read();
    accept(acceptor);
  });
}

int main(int, char** argv) {
  asio::io_context context(1);
  const lab::inside::LoopWatch watch(context);
  tcp::acceptor acceptor(
      context, {asio::ip::make_address("127.0.0.1"), static_cast<unsigned short>(std::atoi(argv[1]))});
  accept(acceptor);
  context.run();
}
