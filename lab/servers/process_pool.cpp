#include "lab/servers/process_pool.hpp"

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

#include "lab/servers/leaf_message.hpp"
#include "lab/servers/process.hpp"
#include "lab/servers/services.hpp"
#include "lab/servers/work.hpp"

namespace lab {

namespace {

/// -1 where the other end is gone.
ssize_t receive(int fd, std::string& bytes) {
  bytes.resize(kMostMessageBytes);
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

/// A member's life: steps in, what came of them out, until the worker closes its end.
[[noreturn]] void be_member(const ServerSetup& setup, int channel, pid_t parent) {
  begin_child(parent, {channel});
  // What ends the worker ends its members, after they have done what they were at.
  std::signal(SIGINT, SIG_IGN);
  std::signal(SIGTERM, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
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
  _exit(0);
}

}  // namespace

ProcessPool::ProcessPool(const ServerSetup& setup) : setup_(setup) {
  members_.resize(static_cast<std::size_t>(setup.arm.threads));
  for (Member& member : members_) {
    if (const auto started = start(member); !started) {
      for (Member& other : members_) reap(other);
      throw Failure(started.error());
    }
  }
}

ProcessPool::~ProcessPool() {
  for (Member& member : members_) member.channel.reset();
  for (Member& member : members_) reap(member);
}

Result<void> ProcessPool::start(Member& member) const {
  std::array<int, 2> ends{};
  // Packets keep their bounds, so a message is one call.
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    return system_error("socketpair", "a member of the process pool", errno);
  member.channel = UniqueFd(ends[0]);
  const UniqueFd theirs(ends[1]);
  const pid_t parent = getpid();
  member.pid = fork();
  if (member.pid == 0) be_member(setup_, theirs.get(), parent);
  if (member.pid < 0) return system_error("fork", "a member of the process pool", errno);
  return {};
}

void ProcessPool::reap(Member& member) {
  member.channel.reset();
  if (member.pid > 0) {
    while (waitpid(member.pid, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  member.pid = -1;
}

LeafEnd ProcessPool::run(std::uint16_t number, const Step& step, Nanos begun) {
  Member& member = members_[number];
  const std::string order = write_order(step, begun);
  if (order.size() > kMostMessageBytes)
    return {{kBadGateway, "the step's text is too long for a member of the process pool"}};
  std::string answer;
  if (member.pid > 0 && send_whole(member.channel.get(), order) && receive(member.channel.get(), answer) > 0)
    return read_end(answer);
  const pid_t dead = member.pid;
  reap(member);
  LeafFault fault{kBadGateway, fmt::format("member {} of the process pool died (pid {})", number, dead)};
  if (const auto started = start(member); !started) fault.reason += "; " + started.error().message;
  return {std::move(fault)};
}

}  // namespace lab
