#pragma once

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "harness/client/client_processes.hpp"
#include "harness/client/load_address.hpp"
#include "harness/client/transport.hpp"
#include "lab/core/error.hpp"

namespace lab {

/// Raw non-blocking TCP sockets on one edge-triggered epoll. Not thread-safe. Closes what is open at its end.
class EpollTransport final : public Transport {
 public:
  /// `interrupt_fd` becomes readable when the run is to end; -1: never. Errors: unknown host, no epoll (exit
  /// 3).
  static Result<std::unique_ptr<EpollTransport>> create(const std::string& host, std::uint16_t port,
                                                        int interrupt_fd);
  /// To several addresses: connection c goes to the one at c modulo their number.
  static Result<std::unique_ptr<EpollTransport>> create(std::vector<Address> addresses, int interrupt_fd);
  EpollTransport(const EpollTransport&) = delete;
  EpollTransport& operator=(const EpollTransport&) = delete;
  ~EpollTransport() override;

  int open(std::uint32_t connection) override;
  int open_client(std::uint32_t connection) override;
  int opened(std::uint32_t connection) override;
  std::uint16_t local_port(std::uint32_t connection) override;
  ssize_t send(std::uint32_t connection, std::string_view bytes) override;
  ssize_t receive(std::uint32_t connection, std::span<char> into) override;
  void close(std::uint32_t connection) override;
  void acknowledge(std::uint32_t connection) override;
  std::span<const Readiness> wait(Nanos until) override;
  bool interrupted() const override { return interrupted_; }
  /// Its descriptor, for a layer above; -1: not open.
  int descriptor(std::uint32_t connection) const { return sockets_[connection]; }

 private:
  EpollTransport() = default;
  int look_for_more(Nanos until);
  int wait_for_events(Nanos until);
  int keep(std::uint32_t connection, int socket);

  int epoll_ = -1;
  std::vector<Address> addresses_;
  std::vector<int> sockets_;  // by connection; -1: none
  std::array<epoll_event, 256> events_{};
  std::array<Readiness, 256> ready_{};
  ClientProcesses clients_;
  Nanos awake_until_ = 0;
  bool coarse_timeouts_ = false;  // no epoll_pwait2 here: whole milliseconds
  bool interrupted_ = false;
};

/// Timers of this thread expire on time, not up to 50 us later, while this lives (PR_SET_TIMERSLACK,
/// prctl(2)). Put back at its end: processes forked later inherit it.
class PunctualTimers {
 public:
  PunctualTimers();
  PunctualTimers(const PunctualTimers&) = delete;
  PunctualTimers& operator=(const PunctualTimers&) = delete;
  ~PunctualTimers();

 private:
  int before_ = 0;
};

}  // namespace lab
