#include "lab/servers/steps/process_pool.hpp"

#include <fmt/format.h>
#include <pthread.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <system_error>
#include <utility>

#include "lab/core/error.hpp"
#include "lab/core/process.hpp"
#include "lab/servers/steps/services.hpp"
#include "lab/servers/steps/wire.hpp"

namespace lab {

namespace {

/// False: the other end is gone.
bool receive(int fd, std::string& bytes) {
  bytes.resize(kMaxMessageBytes);
  const ssize_t size = TEMP_FAILURE_RETRY(recv(fd, bytes.data(), bytes.size(), 0));
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
  return size > 0;
}

bool send_whole(int fd, const std::string& bytes) {
  const ssize_t size = TEMP_FAILURE_RETRY(send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL));
  return size == static_cast<ssize_t>(bytes.size());
}

/// Whoever ends the worker ends these as well, after they have done what they were at.
void begin_beside_worker(const char* name) {
  begin_service(name, {SIGINT, SIGQUIT, SIGHUP, SIGTERM, SIGPIPE});
}

/// A member's life: steps in, what came of them out, until the worker closes its end.
int be_pool_member(const ServerSetup& setup, int channel) {
  begin_beside_worker("lab-member");
  const bool keeps = setup.arm.connections > 0;
  PgConnection kept;
  if (prepare_steps(setup.routes).query && keeps) kept = open_connection(setup.postgres);
  const LeafTools tools{.upstream_port = setup.upstream_port,
                        .postgres = &setup.postgres,
                        .connection = keeps ? &kept : nullptr};
  for (std::string message; receive(channel, message);) {
    const auto order = from_bytes<LeafOrder>(message);
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
  begin_beside_worker("lab-forkserver");
  std::signal(SIGCHLD, SIG_IGN);  // members are reaped by the kernel
  for (std::string order; receive(orders, order);) answer_order(setup, orders);
  // With SIGCHLD ignored it waits for all of them (wait(2)).
  while (waitpid(-1, nullptr, 0) > 0 || errno == EINTR) {
  }
  return 0;
}

}  // namespace

std::string write_end(LeafEnd end) {
  constexpr std::size_t kNumbers = 64;  // room for what stands beside the reason
  end.fault.reason.resize(std::min(end.fault.reason.size(), kMaxMessageBytes - kNumbers));
  return to_bytes(std::move(end));
}

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
    // Those that were started die with the process that forked them.
    if (const auto started = start(member); !started) throw Failure(started.error());
  }
}

ProcessPool::~ProcessPool() {
  members_.clear();
  orders_.reset();
  fork_server_.await_end();
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
  const std::string order = to_bytes(LeafOrder{step, begun});
  if (order.size() > kMaxMessageBytes)
    return {{kBadGateway, "the step's text is too long for a member of the process pool"}};
  std::string answer;
  if (member.pid > 0 && send_whole(member.channel.get(), order) && receive(member.channel.get(), answer))
    return from_bytes<LeafEnd>(answer);
  const pid_t dead = member.pid;
  LeafFault fault{kBadGateway, fmt::format("member {} of the process pool died (pid {})", number, dead)};
  if (const auto started = start(member); !started) fault.reason += "; " + started.error().message;
  return {std::move(fault)};
}

JobPool::JobPool(int threads) {
  threads_.reserve(static_cast<std::size_t>(threads));
  for (int unit = 0; unit < threads; ++unit) {
    try {
      threads_.emplace_back([this, unit] { work(static_cast<std::uint16_t>(unit)); });
    } catch (const std::system_error& refused) {
      close();
      throw Failure(environment_error("cannot start pool thread {} of {}: {}; use fewer with --threads",
                                      unit + 1, threads, refused.code().message()));
    }
  }
}

void JobPool::close() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  more_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

void JobPool::submit(Job& job) {
  {
    const std::lock_guard lock(mutex_);
    job.next_ = nullptr;
    (first_ == nullptr ? first_ : last_->next_) = &job;
    last_ = &job;
  }
  more_.notify_one();
}

void JobPool::work(std::uint16_t unit) {
  pthread_setname_np(pthread_self(), fmt::format("pool-{}", unit).c_str());
  std::unique_lock lock(mutex_);
  for (;;) {
    more_.wait(lock, [this] { return first_ != nullptr || closing_; });
    if (first_ == nullptr) return;
    Job& job = *std::exchange(first_, first_->next_);
    lock.unlock();
    job.run(unit);
    lock.lock();
  }
}

}  // namespace lab
