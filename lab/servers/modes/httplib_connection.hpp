#pragma once

#include <httplib.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lab/servers/http/limits.hpp"
#include "lab/servers/http/request_reader.hpp"
#include "lab/servers/worker/connection_source.hpp"
#include "lab/servers/worker/worker.hpp"

namespace lab {

/// One request's bytes as httplib reads them, and its reply's as httplib writes them: sent at once, since its
/// own two writes would meet Nagle's delay.
class MemoryStream : public httplib::Stream {
 public:
  MemoryStream(std::string request, std::uint16_t client_port)
      : request_(std::move(request)), client_port_(client_port) {}

  const std::string& reply() const { return reply_; }

  bool is_readable() const override { return true; }
  bool is_writable() const override { return true; }
  ssize_t read(char* to, size_t size) override;
  ssize_t write(const char* from, size_t size) override;
  void get_remote_ip_and_port(std::string& ip, int& port) const override;
  void get_local_ip_and_port(std::string& ip, int& port) const override;
  /// httplib answers 500 where it is above select's 1024; nothing selects here.
  socket_t socket() const override { return 0; }

 private:
  std::string request_;
  std::size_t taken_ = 0;
  std::string reply_;
  std::uint16_t client_port_;
};

/// Who holds a thread, as events tell it: a request from its first bytes to its reply, or to the end of a
/// connection that ends with it; request 0 while the thread waits for its client. One thread at a time.
class ThreadHold {
 public:
  ThreadHold(const EventLog& events, std::uint16_t unit) : events_(events), unit_(unit) {}
  ThreadHold(const ThreadHold&) = delete;
  ThreadHold& operator=(const ThreadHold&) = delete;
  ~ThreadHold() { release(events_.stamp()); }

  void by(std::uint32_t request, Nanos at) {
    if (holder_ == request) return;
    release(at);
    holder_ = request;
    events_.acquire(Resource::thread, unit_, request, at);
  }

 private:
  void release(Nanos at) {
    if (holder_) events_.release(Resource::thread, unit_, *holder_, at);
  }

  const EventLog& events_;
  std::uint16_t unit_;
  std::optional<std::uint32_t> holder_;
};

/// The blocking side of a connection that a thread of its own serves: reads whole requests through the strict
/// check that httplib lacks, under absolute deadlines. One thread at a time.
class HttplibConnection {
 public:
  HttplibConnection(Accepted accepted, const Worker& worker, ThreadHold& hold);

  /// Waits for the next request; false where there is none and the connection is of no more use (a refusal
  /// has been sent).
  bool read_request();
  const RequestReader& reader() const { return reader_; }
  /// The request as httplib shall see it, without what only concerned the way here, and without its body: no
  /// handler reads it.
  std::string text() const;
  /// Done with this request, now; another one may follow.
  void next(Nanos now);
  std::uint16_t client_port() const { return client_port_; }

  bool send(std::string_view bytes);
  int fd() const { return fd_.get(); }
  /// Since when this thread has worked for the request: bytes of it were there, and the thread too.
  Nanos begun() const { return begun_; }
  bool stopping() const;

 private:
  enum class Phase : std::uint8_t { idle, header, body };

  bool fill();
  bool wait_for_bytes();
  void set_deadline(Nanos now);
  bool refuse(const Refusal& refusal);
  void linger();

  UniqueFd fd_;
  int stop_fd_;
  const EventLog& events_;
  ThreadHold& hold_;
  RequestReader reader_;
  std::string buffer_;
  std::string_view input_;
  Nanos begun_;
  Nanos deadline_ = 0;
  Phase phase_ = Phase::idle;  // that deadline_ is of, where it is not 0
  std::uint16_t client_port_;
};

}  // namespace lab
