#pragma once

#include <httplib.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "lab/servers/connection_source.hpp"
#include "lab/servers/limits.hpp"
#include "lab/servers/request_reader.hpp"
#include "lab/servers/worker.hpp"

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

/// The blocking side of a connection that a thread of its own serves: reads whole requests through the strict
/// check that httplib lacks, under absolute deadlines. One thread at a time.
class HttplibConnection {
 public:
  /// `stop_fd` becomes readable when the server is to end.
  HttplibConnection(Accepted accepted, int stop_fd, const EventLog& events);

  /// Waits for the next request; false where there is none and the connection is of no more use (a refusal
  /// has been sent).
  bool read_request();
  const RequestReader& reader() const { return reader_; }
  /// The request as httplib shall see it: its body whole, without what only concerned the way here.
  std::string text() const;
  /// Done with this request; another one may follow.
  void next();
  std::uint16_t client_port() const { return client_port_; }

  bool send(std::string_view bytes);
  int fd() const { return fd_.get(); }
  /// Since when this thread has worked for the request: its last bytes were there.
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
  RequestReader reader_;
  std::string buffer_;
  std::string_view input_;
  Nanos begun_ = 0;
  Nanos deadline_ = 0;
  Phase phase_ = Phase::idle;  // that deadline_ is of, where it is not 0
  std::uint16_t client_port_;
};

}  // namespace lab
