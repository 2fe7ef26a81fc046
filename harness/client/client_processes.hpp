#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

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

  /// The descriptor from which the reply of that connection's client can be read, for the caller to close;
  /// none: errno says why.
  std::optional<int> prepare(std::uint32_t connection);
  bool is_client(std::uint32_t connection) const { return clients_.count(connection) > 0; }
  /// Starts the process that sends it. 0, or errno.
  int start(std::uint32_t connection, std::string_view request);
  /// Ends it where it still runs.
  void end(std::uint32_t connection);

 private:
  struct Client {
    int output = -1;  // its end of the pair, until it is started
    pid_t pid = -1;
  };
  void reap(bool all);

  std::map<std::uint32_t, Client> clients_;
  std::vector<pid_t> ended_;  // killed, or done, and not reaped yet
};

}  // namespace lab
