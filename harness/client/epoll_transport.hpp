#pragma once

#include <sys/epoll.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "harness/client/load_address.hpp"
#include "harness/client/transport.hpp"
#include "lab/core/error.hpp"
#include "lab/core/process.hpp"

namespace lab {

/// The command that sends this request (its head, without a body) and prints the reply as it came: curl,
/// which is what people have at hand. Everything but the program's own path.
std::vector<std::string> curl_arguments(std::string_view request);

/// Requests that are sent by a process of their own each, as from a shell: what such a client costs, its
/// start above all, is part of what is measured. Not thread-safe. Ends and reaps all of them at its end.
class ClientProcesses {
 public:
  ClientProcesses() = default;
  ClientProcesses(const ClientProcesses&) = delete;
  ClientProcesses& operator=(const ClientProcesses&) = delete;
  ~ClientProcesses();

  /// The descriptor from which the reply of that connection's client can be read; none: errno says why.
  UniqueFd prepare(std::uint32_t connection);
  bool is_client(std::uint32_t connection) const { return clients_.count(connection) > 0; }
  /// Starts the process that sends it. 0, or errno.
  int start(std::uint32_t connection, std::string_view request);
  /// Ends it where it still runs.
  void end(std::uint32_t connection);

 private:
  struct Client {
    UniqueFd output{};  // its end of the pair, until it is started
    pid_t pid = -1;
  };
  void reap(bool all);

  std::map<std::uint32_t, Client> clients_;
  std::vector<pid_t> ended_;  // killed, or done, and not reaped yet
};

/// Raw non-blocking TCP sockets on one edge-triggered epoll. Not thread-safe. Closes what is open at its end.
class EpollTransport final : public Transport {
 public:
  /// `interrupt_fd` becomes readable when the run is to end; -1: never. Errors: unknown host, no epoll (exit
  /// 3).
  static Result<std::unique_ptr<EpollTransport>> create(const std::string& host, std::uint16_t port,
                                                        int interrupt_fd);
  /// To several addresses: connection c goes to the one at c modulo their number.
  static Result<std::unique_ptr<EpollTransport>> create(std::vector<Address> addresses, int interrupt_fd);

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
  int descriptor(std::uint32_t connection) const { return sockets_[connection].get(); }

 private:
  EpollTransport() = default;
  int look_for_more(Nanos until);
  int wait_for_events(Nanos until);
  void forget(std::uint32_t connection);
  int keep(std::uint32_t connection, UniqueFd socket);

  UniqueFd epoll_;
  std::vector<Address> addresses_;
  std::vector<UniqueFd> sockets_;  // by connection
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

/// No connection to `where` could be opened (exit 3): nothing listens there, or what errno says.
Error connect_error(const std::string& where, int error);

/// Standard streams, event ring, epoll, the servers' pipes, files of results.
constexpr std::uint64_t kSpareDescriptors = 64;

/// Descriptors that a load needs: its connections, and room for everything else that the process has open.
struct DescriptorNeed {
  std::uint64_t least = 0;   ///< connections that are open at once for certain
  std::uint64_t wished = 0;  ///< where every request of a constant or poisson load overlaps
};

/// The soft limit to set, given the present ones. Error (exit 3): even the hard limit is too low.
Result<std::uint64_t> choose_limit(const DescriptorNeed& need, std::uint64_t soft, std::uint64_t hard);

/// Raises this process's soft limit to what is wished, or as far as is allowed, and returns it.
Result<std::uint64_t> raise_descriptor_limit(const DescriptorNeed& need);

}  // namespace lab
