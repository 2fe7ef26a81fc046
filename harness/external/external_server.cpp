#include "harness/external/external_server.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <set>
#include <string_view>

#include "harness/client/load_address.hpp"
#include "harness/trace/server_use.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/http_message.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/process.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::string_view kPlaceholder = "{port}";
constexpr int kAttempts = 3;
constexpr Nanos kOneAnswer = 2 * kSecond;
constexpr Nanos kQuietFor = 100 * kMillisecond;
constexpr Nanos kNextToNothing = 3 * kMillisecond;  // of CPU time in that span
constexpr Nanos kSettled = 3 * kSecond;             // after the first answer
constexpr Nanos kElsewhere = 5 * kSecond;           // after the start
constexpr std::size_t kLinesShown = 10;

/// Free a moment ago; who takes it meanwhile is noticed when the program cannot.
Result<std::uint16_t> free_port() {
  const UniqueFd socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (!socket.valid() || bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), size) != 0 ||
      getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0)
    return system_error("bind", "a free port of 127.0.0.1", errno);
  return ntohs(address.sin_port);
}

/// In the words of Python, Node, Go, nginx, Java, Rust …
bool says_port_taken(const std::vector<std::string>& lines) {
  static constexpr std::array<std::string_view, 5> kWords{"address already in use", "address in use",
                                                          "eaddrinuse", "errno 98", "port is already"};
  return std::ranges::any_of(lines, [](const std::string& line) {
    const std::string small = lower_case(line);
    return std::ranges::any_of(kWords,
                               [&](std::string_view word) { return small.find(word) != std::string::npos; });
  });
}

/// Says when a family of processes has nothing to do any more.
class Quiet {
 public:
  bool now(const std::vector<pid_t>& family) {
    const Nanos moment = monotonic_now();
    if (moment < next_) return false;
    Nanos used = 0;
    for (const pid_t pid : family) used += cpu_time_of(pid);
    const bool quiet = next_ != 0 && family == family_ && used - used_ < kNextToNothing;
    family_ = family;
    used_ = used;
    next_ = moment + kQuietFor;
    return quiet;
  }

 private:
  std::vector<pid_t> family_;
  Nanos used_ = 0;
  Nanos next_ = 0;  // 0: it never looked
};

/// With a status below 500: a server that is not ready yet says 503.
bool answers_http(int socket, const ReadinessProbe& probe, Nanos until) {
  const std::string request = fmt::format("GET {} HTTP/1.1\r\nHost: {}:{}\r\nConnection: close\r\n\r\n",
                                          probe.path, probe.host, probe.port);
  if (::send(socket, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    return false;
  ReplyReader reply;
  reply.start(true);  // its head says it all
  char buffer[512];
  while (!reply.is_whole() && !reply.refusal() && await_ready(socket, POLLIN, until)) {
    const ssize_t size = ::recv(socket, buffer, sizeof buffer, 0);
    if (size < 0 && errno == EAGAIN) continue;
    if (size <= 0) return false;
    std::string_view bytes(buffer, static_cast<std::size_t>(size));
    reply.take(bytes);
  }
  return reply.is_whole() && reply.status() < 500;
}

/// One program that was started, until it can be sent requests.
class Start {
 public:
  Start(const ExternalCommand& command, Supervisor& supervisor, const ReadinessProbe& probe,
        std::uint16_t port)
      : command_(command), supervisor_(supervisor), probe_(probe), port_(port) {}

  Result<void> await_start() {
    const Nanos until = monotonic_now() + command_.patience;
    for (Nanos pause = kMillisecond;; pause = std::min(2 * pause, 4 * kMillisecond)) {
      if (const auto how = supervisor_.ended())
        return environment_error("'{}' did not start: it {}", command_.arguments.front(), *how);
      if (interrupt_signal() != 0)
        return environment_error("the start of '{}' was interrupted", command_.arguments.front());
      if (answered_ == 0 && answers(probe_, std::min(until, monotonic_now() + kOneAnswer)))
        answered_ = monotonic_now();
      if (answered_ != 0 && all_there()) return {};
      if (monotonic_now() >= until || listens_elsewhere()) return too_late();
      await_ready(-1, 0, monotonic_now() + pause);
    }
  }

 private:
  bool all_there() {
    const std::vector<pid_t> family = descendants_of(supervisor_.pid());
    const std::vector<ListeningProcess> listeners = find_listeners(family, port_);
    const auto watching = std::ranges::count_if(listeners, &ListeningProcess::watches);
    const bool answered_itself = command_.workers <= 1 && !probe_.path.empty() && !listeners.empty();
    if (watching >= command_.workers || answered_itself) return true;
    const bool quiet = quiet_.now(family);
    const auto workers = static_cast<std::size_t>(std::max(1, command_.workers));
    // Workers that share their master's socket, or leave it to their master.
    const bool enough = !listeners.empty() && (listeners.size() >= workers || family.size() > workers);
    return (enough && quiet) || (monotonic_now() - answered_ >= kSettled && accepts());
  }

  /// Somebody may have answered a --ready URL of another port.
  bool accepts() const {
    return answers({.host = "127.0.0.1", .port = port_, .path = {}}, monotonic_now() + kOneAnswer);
  }

  /// It has been at rest for a while, at another port than ours: nothing more will come.
  bool listens_elsewhere() {
    if (monotonic_now() - began_ < kElsewhere) return false;
    const std::vector<pid_t> family = descendants_of(supervisor_.pid());
    return at_rest_.now(family) && !listening_ports(family).empty() && !accepts();
  }

  Error too_late() const {
    const std::string words = supervisor_.last_words();
    const std::string where =
        probe_.path.empty() || answered_ != 0
            ? fmt::format("port {} of {}", answered_ != 0 ? port_ : probe_.port, probe_.host)
            : fmt::format("http://{}:{}{}", probe_.host, probe_.port, probe_.path);
    const std::set<std::uint16_t> ports = listening_ports(descendants_of(supervisor_.pid()));
    const std::string elsewhere =
        ports.empty() || ports.contains(port_)
            ? ""
            : fmt::format("; it listens at {}, but it must listen at {{port}}", fmt::join(ports, ", "));
    return environment_error("'{}' did not answer at {} within {:.0f} s{}{}{}", command_.arguments.front(),
                             where, std::ceil(seconds(monotonic_now() - began_)), elsewhere,
                             words.empty() ? "; it said nothing" : ": ", words);
  }

  const ExternalCommand& command_;
  Supervisor& supervisor_;
  const ReadinessProbe& probe_;
  const std::uint16_t port_;
  const Nanos began_ = monotonic_now();
  Nanos answered_ = 0;
  Quiet quiet_, at_rest_;
};

SupervisedProgram program_at(const ExternalCommand& command, std::uint16_t port) {
  SupervisedProgram program = command;
  for (std::string& word : program.arguments) word = with_port(word, port);
  for (auto& [name, value] : program.environment) value = with_port(value, port);
  return program;
}

}  // namespace

std::string with_port(std::string text, std::uint16_t port) {
  replace_all(text, kPlaceholder, std::to_string(port));
  return text;
}

Result<ExternalServer> ExternalServer::start(const ExternalCommand& command, std::string* said) {
  if (command.arguments.empty()) return usage_error("there is no command to start the server with");
  for (int attempt = 1;; ++attempt) {
    LAB_TRY(const std::uint16_t port, free_port());
    LAB_TRY(const ReadinessProbe probe, make_probe(with_port(command.ready, port), port));
    LAB_TRY(Supervisor program, Supervisor::start(program_at(command, port)));
    ExternalServer server(std::move(program), port);
    const auto ready = Start(command, server, probe, port).await_start();
    if (ready) return server;
    if (said != nullptr) *said = server.output();
    const bool taken = server.ended() && says_port_taken(server.last_lines(kLinesShown));
    if (!taken || attempt == kAttempts) return ready.error();
  }
}

Result<std::vector<std::string>> split_command(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool in_word = false;
  char quote = '\0';
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char letter = line[i];
    const bool blank = std::isspace(static_cast<unsigned char>(letter)) != 0;
    if (letter == '\\' && quote != '\'' && line.substr(i + 1, 1) == "\n") {
      ++i;  // a long command that was wrapped
      continue;
    }
    if (quote == '\0' && blank) {
      if (in_word) words.push_back(std::exchange(word, {}));
      in_word = false;
      continue;
    }
    in_word = true;
    if (letter == quote) {
      quote = '\0';
    } else if (quote == '\0' && (letter == '\'' || letter == '"')) {
      quote = letter;
    } else if (letter == '\\' && quote != '\'' && i + 1 < line.size()) {
      const char next = line[++i];
      // Between double quotes a backslash means something before few characters only.
      const bool literal = quote == '"' && next != '"' && next != '\\' && next != '$' && next != '`';
      if (literal) word += '\\';
      word += next;
    } else {
      word += letter;
    }
  }
  if (quote != '\0') return usage_error("the command has an open quote ({}): {}", quote, line);
  if (in_word) words.push_back(word);
  if (words.empty()) return usage_error("there is no command to start the server with");
  return words;
}

Result<ReadinessProbe> make_probe(const std::string& ready, std::uint16_t port) {
  constexpr std::string_view kScheme = "http://";
  ReadinessProbe probe;
  probe.port = port;
  probe.path = ready;
  if (ready.empty() || ready.front() == '/') return probe;
  if (!ready.starts_with(kScheme))
    return usage_error("--ready '{}' is neither a path (/docs) nor an http URL", ready);
  const std::string rest = ready.substr(kScheme.size());
  const std::size_t slash = std::min(rest.find('/'), rest.size());
  const std::string authority = rest.substr(0, slash);
  probe.path = slash < rest.size() ? rest.substr(slash) : "/";
  const std::size_t colon = authority.rfind(':');
  probe.host = authority.substr(0, colon);
  if (colon != std::string::npos) {
    probe.port = number_in<std::uint16_t>(std::string_view(authority).substr(colon + 1)).value_or(0);
    if (probe.port == 0)
      return usage_error("--ready '{}': '{}' is not a port", ready, authority.substr(colon + 1));
  }
  if (probe.host.empty()) return usage_error("--ready '{}' names no host", ready);
  return probe;
}

bool answers(const ReadinessProbe& probe, Nanos until) {
  const auto addresses = resolve(probe.host, probe.port);
  if (!addresses) return false;
  for (const Address& address : *addresses) {
    const UniqueFd socket = connect_to(address, until);
    if (socket.valid()) return probe.path.empty() || answers_http(socket.get(), probe, until);
  }
  return false;
}

}  // namespace lab
