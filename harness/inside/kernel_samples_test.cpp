#include "harness/inside/kernel_samples.hpp"

#include <sys/syscall.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "harness/inside/inside_view.hpp"
#include "lab/core/temporary.hpp"

using namespace lab;

namespace {

namespace fs = std::filesystem;

/// A folder that stands for /proc.
class FakeProc {
 public:
  std::string path() const { return folder_.path().string(); }

  void thread(pid_t pid, pid_t thread, const std::string& syscall) {
    const fs::path task = folder_.path() / std::to_string(pid) / "task" / std::to_string(thread);
    fs::create_directories(task);
    write(task / "syscall", syscall + "\n");
    write(task / "children", "");
  }
  void file(const std::string& path, const std::string& text) {
    fs::create_directories((folder_.path() / path).parent_path());
    write(folder_.path() / path, text);
  }
  void descriptor(pid_t pid, int number, const std::string& target) {
    const fs::path fd = folder_.path() / std::to_string(pid) / "fd";
    fs::create_directories(fd);
    fs::create_symlink(target, fd / std::to_string(number));
  }

 private:
  static void write(const fs::path& path, const std::string& text) { std::ofstream(path) << text; }

  TemporaryFolder folder_ = TemporaryFolder::create("lab-files").value();
};

std::string in_call(long number,
                    const std::string& arguments = "0x0 0x0 0x0 0x0 0x0 0x0 0x0 0x0") {  // NOLINT
  return std::to_string(number) + " " + arguments;
}

constexpr const char* kTable =
    "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    "   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 4711 1\n"
    "   1: 0100007F:C001 0100007F:1538 01 00000000:00000000 00:00000000 00000000     0        0 4712 1\n";

/// Of a Python server, process 10, with one burst of sixteen.
InsideView view_of(const KernelSampler& sampler, Nanos began) {
  InsideSeen seen;
  seen.bursts = {{began, 70, 16, 16}};
  seen.kernel = sampler.samples();
  seen.pid = 10;
  seen.runtime = "python";
  InsideView view;
  add_kernel_view(seen, view);
  return view;
}

}  // namespace

TEST_CASE("a system call's words say what a thread is in") {
  CHECK(doing_of(*call_in("running\n")).kind == CallKind::running);
  CHECK(doing_of(*call_in("-1 0x7ffd 0x7f00\n")).kind == CallKind::running);
  const Doing sleeps = doing_of(*call_in(in_call(SYS_clock_nanosleep)));
  CHECK(sleeps.kind == CallKind::sleeping);
  CHECK(sleeps.call == "clock_nanosleep");
  CHECK(doing_of(*call_in(in_call(9999))).call == "call 9999");
  CHECK_FALSE(call_in("nonsense"));
  CHECK_FALSE(call_in(""));
}

TEST_CASE("a select without a descriptor is a sleep") {
  CHECK(doing_of(*call_in(in_call(SYS_pselect6, "0x0 0x0 0x0 0x0 0x7ffe 0x0 0x0 0x0"))).kind ==
        CallKind::sleeping);
  CHECK(doing_of(*call_in(in_call(SYS_pselect6, "0x4 0x7ffd 0x0 0x0 0x7ffe 0x0 0x0 0x0"))).kind ==
        CallKind::events);
}

TEST_CASE("a futex with a time limit is a turn, one without is a lock") {
  const Doing lock = doing_of(*call_in(in_call(SYS_futex, "0x7f10 0x189 0x0 0x0 0x0 0xffffffff 0x0 0x0")));
  CHECK(lock.kind == CallKind::locked);
  CHECK(lock.about == "0x7f10");
  const Doing turn = doing_of(*call_in(in_call(SYS_futex, "0x7f10 0x189 0x0 0x7ffe 0x0 0xffffffff 0x0 0x0")));
  CHECK(turn.kind == CallKind::taking_turns);
}

TEST_CASE("where calls may not be read, the kernel's function says the same") {
  CHECK(doing_of("hrtimer_nanosleep", 'S').call == "clock_nanosleep");
  CHECK(doing_of("ep_poll", 'S').kind == CallKind::events);
  CHECK(doing_of("0", 'R').kind == CallKind::running);
  CHECK(doing_of("folio_wait_bit", 'D').kind == CallKind::file);
  CHECK(doing_of("0", 'S').call == "an unknown call");
}

TEST_CASE("a socket's peer has the name of the service at its port") {
  const auto peers = peers_in(kTable);
  CHECK(peers.at("socket:[4711]") == "new connections");
  CHECK(peers.at("socket:[4712]") == "127.0.0.1:5432 (PostgreSQL)");
  const auto six = peers_in(
      "0: 00000000000000000000000001000000:C001 00000000000000000000000001000000:18EB "
      "01 0:0 0:0 0 0 0 9 1\n");
  CHECK(six.at("socket:[9]") == "[::1]:6379 (Redis)");
}

TEST_CASE("every thread of a family is looked at, and what its descriptor leads to") {
  FakeProc proc;
  proc.thread(10, 10, in_call(SYS_epoll_pwait));
  proc.thread(10, 11, in_call(SYS_recvfrom, "0x5 0x0 0x0 0x0 0x0 0x0 0x0 0x0"));
  proc.descriptor(10, 5, "socket:[4712]");
  proc.file("10/net/tcp", kTable);
  proc.file("10/task/10/children", "20 ");
  proc.thread(20, 20, "running");
  KernelSampler sampler({10}, proc.path());
  sampler.look(kSecond);
  const KernelSamples& samples = sampler.samples();
  REQUIRE(samples.moments.size() == 3);
  CHECK(samples.processes == std::set<pid_t>{10, 20});
  const auto worker = std::ranges::find(samples.moments, 11, &ThreadMoment::thread);
  const Doing& receives = samples.doings[worker->doing];
  CHECK(receives.kind == CallKind::receiving);
  CHECK(receives.about == "127.0.0.1:5432 (PostgreSQL)");
  CHECK(samples.threads.at(11).pid == 10);
  CHECK_FALSE(samples.calls_unreadable);
}

TEST_CASE("a loop that sleeps is said to sleep while requests wait") {
  FakeProc proc;
  proc.thread(10, 10, in_call(SYS_epoll_pwait));
  KernelSampler sampler({10}, proc.path());
  sampler.look(1);
  proc.thread(10, 10, in_call(SYS_clock_nanosleep));
  for (int i = 0; i < 48; ++i) sampler.look(10 + i);
  proc.thread(10, 10, in_call(SYS_epoll_pwait));
  for (int i = 0; i < 2; ++i) sampler.look(60 + i);
  const InsideView view = view_of(sampler, 10);
  CHECK(view.looks == 50);
  REQUIRE(view.says.size() == 1);
  CHECK(view.says[0] ==
        "its loop thread was in clock_nanosleep in 96 % of 50 samples and in epoll_wait in 4 %: it sleeps "
        "while requests wait");
  CHECK(view.obstacles ==
        std::vector<std::string>{"the line of code: --server COMMAND names it, or py-spy dump --pid 10"});
}

TEST_CASE("a loop's thread that rests while another thread has taken its place is not held") {
  FakeProc proc;
  const std::string parked = in_call(SYS_futex, "0xaa 0x80 0x0 0x0 0x0 0x0 0x0 0x0");
  proc.thread(10, 10, in_call(SYS_epoll_pwait));
  proc.thread(10, 11, parked);
  KernelSampler sampler({10}, proc.path());
  sampler.look(1);
  sampler.look(11);
  proc.thread(10, 10, parked);
  sampler.look(12);
  proc.thread(10, 11, in_call(SYS_epoll_pwait));
  for (int i = 0; i < 20; ++i) sampler.look(13 + i);
  const InsideView view = view_of(sampler, 10);
  REQUIRE(view.loop_calls.size() == 2);
  CHECK(view.loop_calls[0].share == 0.5);  // of the two looks at which it was the loop, or nobody was
}

TEST_CASE("what may not be read is said, and whose tool would") {
  InsideSeen seen;
  seen.pid = 10;
  seen.runtime = "python";
  seen.kernel.other_user = 33;  // which is no obstacle for root
  InsideView view;
  add_kernel_view(seen, view);
  CHECK(view.obstacles.empty());
  seen.kernel.calls_unreadable = true;
  add_kernel_view(seen, view);
  REQUIRE(view.obstacles.size() == 2);
  CHECK(view.obstacles[0].find("process 10 belongs to user 33: run lab as that user or as root") == 0);
  CHECK(view.obstacles[1] == "the line of code: --server COMMAND names it, or sudo py-spy dump --pid 10");
  seen.kernel.other_user.reset();
  seen.ended = "process 10 ended";
  view = {};
  add_kernel_view(seen, view);
  REQUIRE(view.obstacles.size() == 2);
  CHECK(view.obstacles[0] == "process 10 ended; what is said here is of the time before");
  CHECK(view.obstacles[1].find("kernel.yama.ptrace_scope=0") != std::string::npos);
}

TEST_CASE("what a loop does for single requests before the first burst does not make it another thread") {
  FakeProc proc;
  proc.thread(10, 10, in_call(SYS_epoll_pwait));
  KernelSampler sampler({10}, proc.path());
  sampler.look(1);
  sampler.count(false);
  proc.thread(10, 10, in_call(SYS_clock_nanosleep));
  for (int i = 0; i < 20; ++i) sampler.look(2 + i);
  const InsideView view = view_of(sampler, 12);
  REQUIRE(view.loop_calls.size() == 1);
  CHECK(view.loop_calls[0].call == "clock_nanosleep");
}

TEST_CASE("threads that wait for one futex wait for a lock, those without work do not") {
  FakeProc proc;
  const std::string idle = in_call(SYS_futex, "0xaa 0x189 0x0 0x0 0x0 0x0 0x0 0x0");
  const std::string lock = in_call(SYS_futex, "0xbb 0x189 0x0 0x0 0x0 0x0 0x0 0x0");
  for (pid_t thread = 11; thread < 15; ++thread) proc.thread(10, thread, idle);
  KernelSampler sampler({10}, proc.path());
  sampler.look(1);
  for (pid_t thread = 11; thread < 14; ++thread) proc.thread(10, thread, lock);
  sampler.look(10);
  sampler.look(11);
  const InsideView view = view_of(sampler, 10);
  CHECK(view.says == std::vector<std::string>{"up to 3 threads waited for one futex: a lock"});
}
