#pragma once

#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <thread>
#include <vector>

#include "lab/core/clock.hpp"

namespace lab {

/// A real server on loopback for tests: one thread, one poll loop, `answer` says what to send for a request's
/// text. An empty answer: none; `close` behind it: the connection is closed. Ends with the object.
class ScriptedServer {
 public:
  struct Answer {
    std::string bytes;
    bool close = false;
  };
  using Script = std::function<Answer(const std::string& request)>;

  explicit ScriptedServer(Script answer)
      : answer_(std::move(answer)), listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || listen(listener_, 128) != 0 ||
        getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
      throw std::runtime_error("the scripted server cannot listen");
    }
    port = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ScriptedServer(const ScriptedServer&) = delete;
  ScriptedServer& operator=(const ScriptedServer&) = delete;
  ~ScriptedServer() {
    stop_ = true;
    thread_.join();
    for (const auto& [socket, text] : clients_) ::close(socket);
    ::close(listener_);
  }
  std::uint16_t port = 0;

 private:
  void serve() {
    while (!stop_) {
      std::vector<pollfd> polled{{listener_, POLLIN, 0}};
      for (const auto& [socket, text] : clients_) polled.push_back({socket, POLLIN, 0});
      if (poll(polled.data(), polled.size(), 1) <= 0) continue;
      for (const pollfd& ready : polled) {
        if (ready.revents == 0) continue;
        if (ready.fd != listener_) {
          read_from(ready.fd);
        } else if (const int client = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); client >= 0) {
          clients_[client] = {};
        }
      }
    }
  }
  void read_from(int socket) {
    char buffer[4096];
    const ssize_t size = ::recv(socket, buffer, sizeof buffer, MSG_DONTWAIT);
    if (size <= 0) return forget(socket);
    std::string& text = clients_[socket];
    text.append(buffer, static_cast<std::size_t>(size));
    if (!text.ends_with("\r\n\r\n")) return;
    const Answer answer = answer_(text);
    text.clear();
    // Best effort: a client that has gone away is not this side's failure.
    static_cast<void>(::send(socket, answer.bytes.data(), answer.bytes.size(), MSG_NOSIGNAL));
    if (answer.close) forget(socket);
  }
  void forget(int socket) {
    ::close(socket);
    clients_.erase(socket);
  }

  Script answer_;
  int listener_;
  std::map<int, std::string> clients_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace lab
