#include "lab/servers/supervisor/server.hpp"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <ctime>
#include <utility>

#include "lab/core/process.hpp"
#include "lab/servers/supervisor/backend.hpp"

namespace lab {

namespace {

void reap_group(pid_t group) {
  while (waitpid(-group, nullptr, 0) > 0 || errno == EINTR) {
  }
}

}  // namespace

Result<Server> Server::start(const ServerSetup& wanted, EventRings* events) {
  LAB_TRY(const ServerSetup setup, complete(wanted));
  fill_standard_descriptors();
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return system_error("pipe2", "the server's report", errno);
  UniqueFd reading(ends[0]);
  UniqueFd writing(ends[1]);
  tzset();  // read the zone's file once, not in every worker
  // Orphans of a killed master become children of this process, so that they can be reaped (prctl(2)).
  prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  Server server;
  LAB_TRY(server.master_,
          setup.arm.backend == Backend::epoll
              ? ChildProcess::start("the server's master", {writing.get()},
                                    [&] { return serve_as_master(setup, events, std::move(writing)); })
              : start_io_uring_master(setup, events, writing.get()));
  setpgid(server.master(), server.master());  // whoever comes first, parent or child
  writing.reset();

  const StartReport report = read_report(reading.get());
  server.port_ = report.port;
  server.workers_ = report.workers;
  if (!report.workers.empty()) return server;
  server.kill();
  return report.error;
}

bool Server::is_stopped() const {
  return master_.news(WSTOPPED | WNOWAIT) == CLD_STOPPED;
}

bool Server::has_ended() const {
  return master_.news(WEXITED | WNOWAIT) != 0;
}

bool Server::stop(Nanos patience) {
  if (!master_.there()) return true;
  const pid_t group = master();
  ::kill(group, SIGTERM);
  ::kill(group, SIGCONT);  // a stopped process would never see it
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

}  // namespace lab
