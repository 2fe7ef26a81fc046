#include "lab/servers/supervisor/server.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <ctime>
#include <utility>

#include "lab/core/process.hpp"
#include "lab/core/text.hpp"
#include "lab/servers/supervisor/backend.hpp"
#include "lab/servers/supervisor/master.hpp"
#include "lab/servers/supervisor/setup_check.hpp"

namespace lab {

namespace {

constexpr Nanos kStartDeadline = 10 * kSecond;

/// The line that the master says; what there is of it when the master ends or the deadline passes.
std::string read_report(int fd) {
  const Nanos end = monotonic_now() + kStartDeadline;
  std::string text;
  char buffer[4096];
  for (;;) {
    const Nanos left = end - monotonic_now();
    pollfd readable{fd, POLLIN, 0};
    if (left <= 0) return text;
    if (poll(&readable, 1, static_cast<int>(left / kMillisecond) + 1) <= 0) continue;
    const ssize_t size = read(fd, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return text;
    text.append(buffer, static_cast<std::size_t>(size));
    if (text.ends_with('\n')) return text;
  }
}

void reap_group(pid_t group) {
  while (waitpid(-group, nullptr, 0) > 0 || errno == EINTR) {
  }
}

template <class Number>
Number to_number(const std::string& text) {
  Number value{};
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

}  // namespace

int serve_as_master(const ServerSetup& setup, EventRings* rings, UniqueFd report) {
  // A process group of its own: Ctrl-C is for the harness to act on, and the family can be killed as one.
  setpgid(0, 0);
  std::signal(SIGTTOU, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_NAME, "lab-master", 0, 0, 0);
  Master master(setup, rings);
  Result<void> outcome = master.open();
  if (outcome) {
    outcome = master.run([&report](std::uint16_t port, const std::vector<pid_t>& workers) {
      std::string line = fmt::format("ready {}", port);
      for (const pid_t pid : workers) line += fmt::format(" {}", pid);
      write_all(report.get(), line + '\n');
      report.reset();
    });
  }
  if (outcome) return 0;
  if (report.valid()) {
    report_error(report.get(), outcome.error());
  } else {
    write_all(STDERR_FILENO, fmt::format("lab: {}\n", outcome.error().message));
  }
  return 1;
}

Result<Server> Server::start(const ServerSetup& wanted, EventRings* events) {
  const auto completed = complete(wanted);
  if (!completed) return completed.error();
  const ServerSetup& setup = *completed;
  fill_standard_descriptors();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe2", "the server's report", errno);
  UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  tzset();  // read the zone's file once, not in every worker
  // Orphans of a killed master become children of this process, so that they can be reaped (prctl(2)).
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  auto master = setup.arm.backend == Backend::epoll
                    ? ChildProcess::start("the server's master", {writing.get()},
                                          [&] { return serve_as_master(setup, events, std::move(writing)); })
                    : start_io_uring_master(setup, events, writing.get());
  if (!master) return master.error();
  Server server;
  server.master_ = std::move(*master);
  setpgid(server.master(), server.master());  // whoever comes first, parent or child
  writing.reset();

  const std::string report = read_report(reading.get());
  const std::string line = report.substr(0, report.find('\n'));
  const std::vector<std::string> words = split(line, ' ');
  if (words.size() > 2 && words[0] == "ready") {
    server.port_ = to_number<std::uint16_t>(words[1]);
    for (std::size_t i = 2; i < words.size(); ++i) server.workers_.push_back(to_number<pid_t>(words[i]));
    return server;
  }
  server.kill();
  if (words.size() > 2 && words[0] == "error")
    return Error{static_cast<ErrorKind>(to_number<int>(words[1])),
                 line.substr(words[0].size() + words[1].size() + 2)};
  return environment_error("the server ended before it was ready");
}

bool Server::stop(Nanos patience) {
  if (!master_.there()) return true;
  const pid_t group = master();
  ::kill(group, SIGTERM);
  const auto status = master_.await_end(monotonic_now() + patience);
  if (!status) kill();
  // Workers of a master that did not end in order have died with it.
  reap_group(group);
  return status && *status >= 0 && WIFEXITED(*status);
}

void Server::kill() {
  if (!master_.there()) return;
  const pid_t group = master();
  ::kill(-group, SIGKILL);
  // It may not have had the group yet. The master first, then its workers, which are ours to reap since it is
  // gone.
  master_.kill();
  reap_group(group);
}

int serve_here(const ServerSetup& wanted, EventRings* events,
               const std::function<void(std::uint16_t port, const std::vector<pid_t>& workers)>& ready) {
  const ServerSetup setup = complete(wanted).value();
  if (setup.arm.backend != Backend::epoll)
    throw Failure(usage_error("serving in this process is done on epoll; backend io_uring is for lab run"));
  fill_standard_descriptors();
  tzset();
  Master master(setup, events);
  if (auto opened = master.open(); !opened) throw Failure(opened.error());
  bool announced = false;
  const auto outcome = master.run([&](std::uint16_t port, const std::vector<pid_t>& workers) {
    announced = true;
    ready(port, workers);
  });
  if (outcome) return 0;
  write_all(STDERR_FILENO, fmt::format("lab: {}\n", outcome.error().message));
  return 1;
}

}  // namespace lab
