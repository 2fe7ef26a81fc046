#pragma once

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "harness/client/transport.hpp"

namespace lab {

class VirtualClock final : public Clock {
 public:
  Nanos now() override { return time; }
  Nanos time = 1000 * kSecond;
};

/// A server in virtual time, for tests: its script says what comes back when. Looking costs 1 us, a send 10
/// us.
class FakeTransport final : public Transport {
 public:
  explicit FakeTransport(VirtualClock& clock) : clock_(clock) {}

  /// Called with every whole request; answers with reply(), end() or broken(), or not at all.
  std::function<void(std::uint32_t connection, const std::string& request)> on_request;
  /// Called with the bytes of every send before that; a WebSocket's server answers here.
  std::function<void(std::uint32_t connection, const std::string& bytes)> on_bytes;
  /// Called where the caller acknowledges what came at once.
  std::function<void(std::uint32_t connection)> on_acknowledge;
  /// errno of an attempt to open, by its number 0, 1, …; at once, or when connecting ends.
  std::map<int, int> fail_open, fail_connect;
  Nanos connect_takes = 20 * kMicrosecond;
  Nanos interrupt_at = 0;  ///< 0: never
  std::size_t most_bytes_a_send = 1 << 20;
  // What happened, for assertions.
  std::vector<std::uint32_t> opens, closes;
  std::vector<std::string> requests;
  std::size_t most_open = 0;

  void reply(std::uint32_t connection, Nanos delay, std::string bytes, bool then_end = false) {
    plan(connection, delay, {What::bytes, std::move(bytes), then_end});
  }
  void end(std::uint32_t connection, Nanos delay) { plan(connection, delay, {What::end, {}, false}); }
  /// Before anybody waits again, so without news of it; `bytes` come before the end.
  void end_now(std::uint32_t connection, const std::string& bytes = {}) {
    reply_now(connection, bytes);
    sockets_.at(connection).ended = true;
  }
  void reply_now(std::uint32_t connection, const std::string& bytes) {
    sockets_.at(connection).inbox += bytes;
  }
  void broken(std::uint32_t connection, Nanos delay, int error = ECONNRESET) {
    plan(connection, delay, {What::broken, {}, false, error});
  }

  int open(std::uint32_t connection) override {
    const int attempt = static_cast<int>(opens.size());
    opens.push_back(connection);
    if (fail_open.count(attempt) != 0) return fail_open[attempt];
    sockets_[connection] = Socket{++lives_};
    most_open = std::max(most_open, sockets_.size());
    plan(connection, connect_takes,
         {What::opened, {}, false, fail_connect.count(attempt) != 0 ? fail_connect[attempt] : 0});
    return 0;
  }
  void acknowledge(std::uint32_t connection) override {
    if (on_acknowledge) on_acknowledge(connection);
  }
  int opened(std::uint32_t connection) override { return sockets_.at(connection).error; }
  std::uint16_t local_port(std::uint32_t connection) override {
    return static_cast<std::uint16_t>(40000 + sockets_.at(connection).life);
  }
  ssize_t send(std::uint32_t connection, std::string_view bytes) override {
    Socket& socket = sockets_.at(connection);
    clock_.time += 10 * kMicrosecond;
    if (!socket.is_open) return -EAGAIN;
    if (socket.error != 0) return -socket.error;
    if (socket.ended) return -EPIPE;
    const std::string_view taken = bytes.substr(0, most_bytes_a_send);
    socket.sent += taken;
    if (taken.size() < bytes.size()) plan(connection, kMicrosecond, {What::room, {}, false});
    if (on_bytes) on_bytes(connection, std::string(taken));
    if (is_whole(socket.sent)) {
      requests.push_back(std::exchange(socket.sent, {}));
      if (on_request) on_request(connection, std::string(requests.back()));
    }
    return static_cast<ssize_t>(taken.size());
  }
  ssize_t receive(std::uint32_t connection, std::span<char> into) override {
    Socket& socket = sockets_.at(connection);
    const std::size_t size = std::min(socket.inbox.size(), into.size());
    if (size > 0) {
      std::memcpy(into.data(), socket.inbox.data(), size);
      socket.inbox.erase(0, size);
      return static_cast<ssize_t>(size);
    }
    if (socket.error != 0) return -socket.error;
    return socket.ended ? 0 : -EAGAIN;
  }
  void close(std::uint32_t connection) override {
    if (sockets_.erase(connection) == 0) throw std::logic_error("closed a connection that is not open");
    closes.push_back(connection);
  }
  std::span<const Readiness> wait(Nanos until) override {
    ready_.clear();
    if (until <= clock_.time) {
      clock_.time += kMicrosecond;
    } else {
      Nanos next = happenings_.empty() ? until : std::min(until, happenings_.begin()->first);
      if (interrupt_at != 0) next = std::min(next, interrupt_at);
      if (next == std::numeric_limits<Nanos>::max()) throw std::logic_error("waits for ever");
      clock_.time = std::max(clock_.time, next);
    }
    while (!happenings_.empty() && happenings_.begin()->first <= clock_.time) {
      happen(happenings_.begin()->second);
      happenings_.erase(happenings_.begin());
    }
    return ready_;
  }
  bool interrupted() const override { return interrupt_at != 0 && clock_.time >= interrupt_at; }

 private:
  static bool is_whole(const std::string& request) {
    const std::size_t head = request.find("\r\n\r\n");
    if (head == std::string::npos) return false;
    const std::size_t length = request.find("Content-Length: ");
    const std::size_t body = length < head ? std::stoul(request.substr(length + 16)) : 0;
    return request.size() == head + 4 + body;
  }
  enum class What { opened, room, bytes, end, broken };
  struct News {
    What what;
    std::string bytes;
    bool then_end;
    int error = 0;
  };
  struct Happening {
    std::uint32_t connection;
    int life;
    News news;
  };
  struct Socket {
    int life = 0;
    bool is_open = false, ended = false;
    int error = 0;
    std::string sent{}, inbox{};
  };

  void plan(std::uint32_t connection, Nanos delay, News news) {
    happenings_.emplace(clock_.time + delay,
                        Happening{connection, sockets_.at(connection).life, std::move(news)});
  }
  void happen(const Happening& happening) {
    const auto found = sockets_.find(happening.connection);
    if (found == sockets_.end() || found->second.life != happening.life) return;
    Socket& socket = found->second;
    const News& news = happening.news;
    socket.inbox += news.bytes;
    if (news.what == What::opened) socket.is_open = true;
    if (news.what == What::end || news.then_end) socket.ended = true;
    if (news.error != 0) socket.error = news.error;
    const bool over = socket.ended || socket.error != 0;
    const bool writable = news.what == What::opened || news.what == What::room;
    ready_.push_back({happening.connection, over || news.what == What::bytes, over || writable, over});
  }

  VirtualClock& clock_;
  std::map<std::uint32_t, Socket> sockets_;
  std::multimap<Nanos, Happening> happenings_;
  std::vector<Readiness> ready_;
  int lives_ = 0;
};

}  // namespace lab
