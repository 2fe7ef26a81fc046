#include "lab/servers/steps/process_pool.hpp"

#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "lab/core/process.hpp"
#include "lab/core/unique_fd.hpp"
#include "lab/servers/steps/leaf_message.hpp"
#include "lab/servers/steps/services.hpp"
#include "lab/servers/steps/work.hpp"

namespace lab {

namespace {

/// -1 where the other end is gone.
ssize_t receive(int fd, std::string& bytes) {
  bytes.resize(kMaxMessageBytes);
  ssize_t size = 0;
  do {
    size = recv(fd, bytes.data(), bytes.size(), 0);
  } while (size < 0 && errno == EINTR);
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return size > 0 ? size : -1;
}

bool send_whole(int fd, const std::string& bytes) {
  ssize_t size = 0;
  do {
    size = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
  } while (size < 0 && errno == EINTR);
  return size == static_cast<ssize_t>(bytes.size());
}

/// Whoever ends the worker ends these as well, after they have done what they were at.
void leave_signals_to_worker() {
  for (const int number : {SIGINT, SIGHUP, SIGTERM, SIGPIPE}) std::signal(number, SIG_IGN);
}

/// A member's life: steps in, what came of them out, until the worker closes its end.
int be_pool_member(const ServerSetup& setup, int channel) {
  leave_signals_to_worker();
  prctl(PR_SET_NAME, "lab-member", 0UL, 0UL, 0UL);
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
  PgConnection kept;
  bool queries = false;
  for_each_step_of(setup.routes, [&](const Step& step) {
    queries |= std::holds_alternative<Query>(step.action);
    if (const auto* compute = std::get_if<Compute>(&step.action)) prepare_work(compute->work);
  });
  const bool keeps = setup.arm.connections > 0;
  if (queries && keeps) {
    if (auto opened = open_connection(setup.postgres)) kept = std::move(*opened);
  }
  const LeafTools tools{.upstream_port = setup.upstream_port,
                        .postgres = &setup.postgres,
                        .connection = keeps ? &kept : nullptr,
                        .between = {}};
  for (std::string message; receive(channel, message) > 0;) {
    const LeafOrder order = read_order(message);
    if (!send_whole(channel, write_end(run_leaf(order.step, order.begun, tools)))) break;
  }
  return 0;
}

/// A new member's pid with the channel to it; or errno, negative.
void answer_order(const ServerSetup& setup, int orders) {
  std::array<int, 2> ends{};
  // Packets keep their bounds, so a message is one call.
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    pass_descriptor(orders, -1, -errno, 0);
    return;
  }
  const UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  auto member = ChildProcess::start("a member of the process pool", {theirs.get()},
                                    [&] { return be_pool_member(setup, theirs.get()); });
  if (member) {
    pass_descriptor(orders, ours.get(), member->release(), 0);  // the kernel reaps it
  } else {
    pass_descriptor(orders, -1, -errno, 0);
  }
}

/// A life with one thread: forks a member for every byte, until the worker closes its end; ends as the last.
int be_fork_server(const ServerSetup& setup, int orders) {
  leave_signals_to_worker();
  std::signal(SIGCHLD, SIG_IGN);  // members are reaped by the kernel
  prctl(PR_SET_NAME, "lab-forkserver", 0UL, 0UL, 0UL);
  for (std::string order; receive(orders, order) > 0;) answer_order(setup, orders);
  // With SIGCHLD ignored it waits for all of them (wait(2)).
  while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
  return 0;
}

}  // namespace

ProcessPool::ProcessPool(const ServerSetup& setup) : members_(static_cast<std::size_t>(setup.arm.threads)) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw Failure(system_error("socketpair", "the process pool", errno));
  orders_ = UniqueFd(ends[0]);
  const UniqueFd theirs(ends[1]);
  fork_server_ = ChildProcess::start("the process pool", {theirs.get()}, [&] {
                   return be_fork_server(setup, theirs.get());
                 }).value();
  for (Member& member : members_) {
    if (const auto started = start(member); !started) {
      end();
      throw Failure(started.error());
    }
  }
}

ProcessPool::~ProcessPool() {
  end();
}

void ProcessPool::end() {
  members_.clear();
  orders_.reset();
  if (fork_server_.there()) fork_server_.await_end();
}

Result<void> ProcessPool::start(Member& member) {
  const std::lock_guard lock(ordering_);
  member = Member();
  PassedDescriptor born;
  if (!send_whole(orders_.get(), "+") || !take_descriptor(orders_.get(), born, 0))
    return environment_error("the process that forks the members of the process pool is gone");
  if (born.number < 0) return system_error("fork", "a member of the process pool", -born.number);
  if (!born.fd.valid()) return system_error("recvmsg", "a member of the process pool", EMFILE);
  member.pid = born.number;
  member.channel = std::move(born.fd);
  return {};
}

LeafEnd ProcessPool::run(std::uint16_t number, const Step& step, Nanos begun) {
  Member& member = members_[number];
  const std::string order = write_order(step, begun);
  if (order.size() > kMaxMessageBytes)
    return {{kBadGateway, "the step's text is too long for a member of the process pool"}};
  std::string answer;
  if (member.pid > 0 && send_whole(member.channel.get(), order) && receive(member.channel.get(), answer) > 0)
    return read_end(answer);
  const pid_t dead = member.pid;
  LeafFault fault{kBadGateway, fmt::format("member {} of the process pool died (pid {})", number, dead)};
  if (const auto started = start(member); !started) fault.reason += "; " + started.error().message;
  return {std::move(fault)};
}

}  // namespace lab
