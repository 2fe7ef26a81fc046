#include "harness/client/epoll_transport.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "lab/core/process.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::uint64_t kInterrupt = ~std::uint64_t{0};
constexpr Nanos kLongestWait = 3600 * kSecond;

/// Everything that would make it differ from what was asked is off: a .curlrc, proxies, a deadline of its
/// own.
const std::vector<std::string> kPlainCurl{"--disable",   "--silent",  "--include", "--raw",
                                          "--no-buffer", "--http1.1", "--noproxy", "*"};

/// With no signal blocked and none ignored, as from a shell.
int spawn(const std::string& program, const std::vector<std::string>& words, int output, pid_t& pid) {
  std::vector<char*> arguments{const_cast<char*>(program.c_str())};
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  sigset_t none;
  sigset_t usual;
  sigemptyset(&none);
  sigfillset(&usual);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const int error = posix_spawn(&pid, program.c_str(), &files, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  return error;
}

}  // namespace

std::vector<std::string> curl_arguments(std::string_view request) {
  constexpr std::string_view kHost = "Host: ";
  std::vector<std::string> lines = split(request, '\n');
  for (std::string& line : lines) line.resize(std::min(line.find('\r'), line.size()));
  const std::vector<std::string> first = split(lines.at(0), ' ');
  std::vector<std::string> words = kPlainCurl;
  words.insert(words.end(), {"--request", first.at(0)});
  std::string host;
  for (auto field = lines.begin() + 1; field != lines.end(); ++field) {
    if (field->starts_with(kHost)) {
      host = field->substr(kHost.size());
    } else if (!field->empty()) {
      words.insert(words.end(), {"--header", *field});
    }
  }
  words.push_back("http://" + host + first.at(1));
  return words;
}

ClientProcesses::~ClientProcesses() {
  while (!clients_.empty()) end(clients_.begin()->first);
  reap(true);
}

UniqueFd ClientProcesses::prepare(std::uint32_t connection) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return {};
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  clients_[connection] = {UniqueFd(ends[1])};
  return UniqueFd(ends[0]);
}

int ClientProcesses::start(std::uint32_t connection, std::string_view request) {
  Client& client = clients_.at(connection);
  const auto curl = find_program("curl");
  if (!curl) return ENOENT;
  const int error = spawn(curl->string(), curl_arguments(request), client.output.get(), client.pid);
  if (error != 0) client.pid = -1;
  client.output.reset();  // so that the reply's end is seen when the process ends
  return error;
}

void ClientProcesses::end(std::uint32_t connection) {
  const auto found = clients_.find(connection);
  if (found == clients_.end()) return;
  const pid_t pid = found->second.pid;
  clients_.erase(found);
  if (pid > 0) {
    kill(pid, SIGKILL);
    ended_.push_back(pid);
  }
  reap(false);
}

void ClientProcesses::reap(bool all) {
  std::erase_if(ended_, [&](pid_t pid) {
    pid_t reaped = 0;
    do {
      reaped = waitpid(pid, nullptr, all ? 0 : WNOHANG);
    } while (reaped < 0 && errno == EINTR);
    return reaped != 0;
  });
}

Result<std::unique_ptr<EpollTransport>> EpollTransport::create(const std::string& host, std::uint16_t port,
                                                               int interrupt_fd) {
  LAB_TRY(const std::vector<Address> addresses, resolve(host, port));
  return create({addresses.front()}, interrupt_fd);
}

Result<std::unique_ptr<EpollTransport>> EpollTransport::create(std::vector<Address> addresses,
                                                               int interrupt_fd) {
  std::unique_ptr<EpollTransport> transport(new EpollTransport);
  transport->addresses_ = std::move(addresses);
  transport->epoll_ = UniqueFd(epoll_create1(EPOLL_CLOEXEC));
  if (!transport->epoll_.valid()) return system_error("epoll_create1", "the load generator", errno);
  if (interrupt_fd >= 0) {
    epoll_event interest{};
    interest.events = EPOLLIN;
    interest.data.u64 = kInterrupt;
    if (epoll_ctl(transport->epoll_.get(), EPOLL_CTL_ADD, interrupt_fd, &interest) != 0) {
      return system_error("epoll_ctl", "the interrupt descriptor", errno);
    }
  }
  return transport;
}

void EpollTransport::forget(std::uint32_t connection) {
  if (connection >= sockets_.size()) sockets_.resize(connection + std::size_t{1});
  close(connection);
}

int EpollTransport::open(std::uint32_t connection) {
  forget(connection);
  const Address& address = addresses_[connection % addresses_.size()];
  UniqueFd socket(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket.valid()) return errno;
  const int on = 1;
  setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(socket.get(), address.get(), address.size) != 0 && errno != EINPROGRESS) return errno;
  return keep(connection, std::move(socket));
}

int EpollTransport::keep(std::uint32_t connection, UniqueFd socket) {
  epoll_event interest{};
  // One registration for the whole life of the connection: edges cost no further system call.
  interest.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  interest.data.u64 = connection;
  if (epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &interest) != 0) return errno;
  sockets_[connection] = std::move(socket);
  return 0;
}

int EpollTransport::open_client(std::uint32_t connection) {
  forget(connection);
  UniqueFd end = clients_.prepare(connection);
  return end.valid() ? keep(connection, std::move(end)) : errno;
}

int EpollTransport::opened(std::uint32_t connection) {
  int error = 0;
  socklen_t size = sizeof error;
  if (getsockopt(sockets_[connection].get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
  return error;
}

std::uint16_t EpollTransport::local_port(std::uint32_t connection) {
  Address address{.size = sizeof(sockaddr_storage)};
  auto* const storage = reinterpret_cast<sockaddr*>(&address.storage);
  return getsockname(sockets_[connection].get(), storage, &address.size) == 0 ? address.port() : 0;
}

ssize_t EpollTransport::send(std::uint32_t connection, std::string_view bytes) {
  if (clients_.is_client(connection)) {
    const int error = clients_.start(connection, bytes);
    return error == 0 ? static_cast<ssize_t>(bytes.size()) : -error;
  }
  const ssize_t taken = ::send(sockets_[connection].get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
  return taken < 0 ? -errno : taken;
}

ssize_t EpollTransport::receive(std::uint32_t connection, std::span<char> into) {
  const ssize_t read = ::recv(sockets_[connection].get(), into.data(), into.size(), 0);
  return read < 0 ? -errno : read;
}

void EpollTransport::close(std::uint32_t connection) {
  if (!sockets_[connection].valid()) return;
  clients_.end(connection);
  sockets_[connection].reset();
}

void EpollTransport::acknowledge(std::uint32_t connection) {
  const int on = 1;
  setsockopt(sockets_[connection].get(), IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
}

/// Where one reply came, more may follow at once. Whoever is awake then spares the server the wake-up, which
/// costs it as much as its reply.
int EpollTransport::look_for_more(Nanos until) {
  const Nanos end = std::min(until, awake_until_);
  int count = 0;
  while (count == 0 && monotonic_now() < end) {
    count = epoll_wait(epoll_.get(), events_.data(), static_cast<int>(events_.size()), 0);
  }
  return count;
}

int EpollTransport::wait_for_events(Nanos until) {
  const int room = static_cast<int>(events_.size());
  if (const int more = look_for_more(until); more != 0) return more;
  const Nanos left = until <= 0 ? 0 : std::clamp<Nanos>(until - monotonic_now(), 0, kLongestWait);
  if (left == 0) return epoll_wait(epoll_.get(), events_.data(), room, 0);
  if (!coarse_timeouts_) {
    const timespec timeout{left / kSecond, left % kSecond};
    const int count = epoll_pwait2(epoll_.get(), events_.data(), room, &timeout, nullptr);
    // A kernel before 5.11, or a container's seccomp profile that does not know the call.
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    coarse_timeouts_ = true;
  }
  return epoll_wait(epoll_.get(), events_.data(), room, static_cast<int>(left / kMillisecond));
}

std::span<const Readiness> EpollTransport::wait(Nanos until) {
  constexpr Nanos kAwake = 40 * kMicrosecond;
  const int count = wait_for_events(until);
  if (count > 0) awake_until_ = monotonic_now() + kAwake;
  std::size_t ready = 0;
  for (int i = 0; i < count; ++i) {
    const epoll_event& event = events_[static_cast<std::size_t>(i)];
    if (event.data.u64 == kInterrupt) {
      interrupted_ = true;
      continue;
    }
    constexpr std::uint32_t kEnded = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
    ready_[ready++] = {static_cast<std::uint32_t>(event.data.u64), (event.events & (EPOLLIN | kEnded)) != 0,
                       (event.events & (EPOLLOUT | kEnded)) != 0, (event.events & kEnded) != 0};
  }
  return {ready_.data(), ready};
}

PunctualTimers::PunctualTimers() : before_(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0)) {
  prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
}

PunctualTimers::~PunctualTimers() {
  if (before_ > 0) prctl(PR_SET_TIMERSLACK, before_, 0, 0, 0);
}

Error connect_error(const std::string& where, int error) {
  if (error != ECONNREFUSED) return system_error("connect", where, error);
  return environment_error("nothing listens at {} (connect: {}); start the server first", where,
                           std::strerror(error));
}

Result<std::uint64_t> choose_limit(const DescriptorNeed& need, std::uint64_t soft, std::uint64_t hard) {
  if (hard < need.least) {
    return environment_error(
        "too few file descriptors: this load needs {}, the hard limit is {}; raise it (as root: `ulimit -n "
        "{}`) or send fewer requests at once",
        need.least, hard, need.least);
  }
  return std::max(soft, std::min(need.wished, hard));
}

Result<std::uint64_t> raise_descriptor_limit(const DescriptorNeed& need) {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return system_error("getrlimit", "RLIMIT_NOFILE", errno);
  auto chosen = choose_limit(need, limit.rlim_cur, limit.rlim_max);
  if (!chosen || *chosen == limit.rlim_cur) return chosen;
  limit.rlim_cur = *chosen;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) return system_error("setrlimit", "RLIMIT_NOFILE", errno);
  return chosen;
}

}  // namespace lab
