#include "harness/trace/server_use.hpp"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace lab {
namespace {

namespace fs = std::filesystem;

const std::string kStatus =
    "Name:\tlab-worker-0\nVmPeak:\t  999999 kB\nVmSize:\t  200 kB\nVmRSS:\t  100 kB\nThreads:\t3\n"
    "voluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t2\n";
const std::string kSmaps =
    "5590-7ffd ---p 00000000 00:00 0 [rollup]\nRss: 1 kB\nPrivate_Clean: 7 kB\nPrivate_Dirty:      64 kB\n";

/// A folder that looks like /proc: master 10 with the children that are added.
class Proc {
 public:
  Proc() {
    std::string name = (fs::temp_directory_path() / "lab-proc-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    root = name;
    fs::create_directories(root + "/10/task/10");
  }
  Proc(const Proc&) = delete;
  Proc& operator=(const Proc&) = delete;
  ~Proc() {
    std::error_code ignored;
    fs::remove_all(root, ignored);
  }
  void write(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(root + path).parent_path());
    std::ofstream(root + path) << text;
  }
  void process(int pid, const std::string& name, const std::string& ticks = "0 0") {
    const std::string folder = "/" + std::to_string(pid);
    write(folder + "/comm", name + "\n");
    write(folder + "/status", kStatus);
    write(folder + "/smaps_rollup", kSmaps);
    write(folder + "/stat", std::to_string(pid) + " (a ) b) S 1 1 1 0 -1 0 0 0 0 0 " + ticks + " 0 0");
    write(folder + "/task/" + std::to_string(pid) + "/status", kStatus);
  }
  std::string root;
};

TEST_CASE("private memory is what the rollup says, in bytes") {
  CHECK(private_dirty_in(kSmaps) == 64 * 1024);
  CHECK_FALSE(private_dirty_in("Rss: 3 kB\n").has_value());
}

TEST_CASE("the status reports memory, threads and switches, and is refused where one is missing") {
  ProcessUse use;
  REQUIRE(read_status(kStatus, use));
  CHECK(use.virtual_size == 200 * 1024);
  CHECK(use.resident == 100 * 1024);
  CHECK(use.threads == 3);
  CHECK(use.voluntary_switches == 40);
  CHECK(use.involuntary_switches == 2);
  CHECK_FALSE(read_status("Name:\tzombie\nThreads:\t1\n", use));
}

TEST_CASE("CPU time is user and system time, whatever the process calls itself") {
  CHECK(cpu_in("7 (a ) b) S 1 7 7 0 -1 4194560 95 0 0 0 12 3 0 0 20", 100) == 150 * kMillisecond);
  CHECK_FALSE(cpu_in("7 (short) S 1", 100).has_value());
  CHECK_FALSE(cpu_in("", 100).has_value());
}

TEST_CASE("a worker's name has its slot") {
  CHECK(slot_in("lab-worker-12\n") == 12);
  CHECK(slot_in("lab-worker-0") == 0);
  CHECK_FALSE(slot_in("lab-worker-\n").has_value());
  CHECK_FALSE(slot_in("lab-worker-1x\n").has_value());
  CHECK_FALSE(slot_in("lab-upstream\n").has_value());
}

TEST_CASE("workers are the master's children of that name") {
  Proc proc;
  proc.write("/10/task/10/children", "21 22 23 ");
  proc.process(21, "lab-worker-0");
  proc.process(22, "lab-worker-1");
  proc.process(23, "sh");
  const auto workers = find_workers(10, proc.root);
  CHECK(workers == std::map<int, pid_t>{{0, 21}, {1, 22}});
  CHECK(find_workers(-1, proc.root).empty());
  CHECK(find_workers(99, proc.root).empty());
}

TEST_CASE("a process that ends while its files are read is no worker, and nobody fails for it") {
  Proc proc;
  proc.write("/10/task/10/children", "21 22 ");
  proc.process(21, "lab-worker-0");
  fs::create_directories(proc.root +
                         "/22/comm");  // opens, and reading it is an error, as of one that has ended
  CHECK(find_workers(10, proc.root) == std::map<int, pid_t>{{0, 21}});
}

TEST_CASE("the watch adds up workers and what they made, and keeps what a dead one had used") {
  Proc proc;
  const std::string ticks = std::to_string(sysconf(_SC_CLK_TCK));  // one second
  proc.write("/10/task/10/children", "21 22 ");
  proc.process(21, "lab-worker-0");
  proc.process(22, "lab-worker-1");
  ServerWatch watch(10, false, proc.root);
  watch.before();
  watch.start();
  CHECK(watch.use().processes == 2);
  CHECK(watch.use().private_before == 2 * 64 * 1024);
  CHECK(watch.use().threads_before == 6);

  proc.process(21, "lab-worker-0", ticks + " 0");
  proc.process(30, "pool-member", "0 " + ticks);
  proc.write("/22/task/22/children", "30 ");
  watch.look(kSecond, kSecond);
  CHECK(watch.use().private_peak == 3 * 64 * 1024);

  fs::remove_all(proc.root + "/21");
  proc.write("/10/task/10/children", "22 ");
  watch.finish();
  CHECK(watch.use().cpu == 2 * kSecond);
  CHECK(watch.use().processes == 2);
  CHECK(watch.use().virtual_peak == 3 * 200 * 1024);
}

TEST_CASE("of a server that is not ours every descendant of its supervisor counts, on any level") {
  Proc proc;
  proc.write("/10/task/10/children", "21 ");
  proc.process(21, "gunicorn");
  proc.write("/21/task/21/children", "22 ");
  proc.write("/21/task/5/children", "23 ");
  proc.process(22, "python3");
  proc.process(23, "nginx");
  proc.write("/23/task/23/children", "24 ");
  proc.process(24, "sh");
  CHECK(descendants_of(10, proc.root).size() == 4);
  ServerWatch watch(10, true, proc.root);
  watch.before();
  watch.start();
  watch.finish();
  CHECK(watch.use().processes == 4);
  CHECK(watch.use().threads_before == 12);
  CHECK(descendants_of(99, proc.root).empty());
}

TEST_CASE("the slots of foreign workers are their ids in order, and whoever is new has a dead one's") {
  constexpr pid_t kNobody = 5'000'000;  // above the kernel's PID_MAX_LIMIT
  ForeignWorkers workers(-1, 0);
  workers.take({kNobody + 2, kNobody, kNobody + 1});
  CHECK(workers.slots() == std::map<pid_t, int>{{kNobody, 0}, {kNobody + 1, 1}, {kNobody + 2, 2}});
  workers.take({kNobody + 2, kNobody + 9, kNobody + 1});
  CHECK(workers.slots().at(kNobody + 9) == 0);
  CHECK(workers.slots().at(kNobody) == 0);
  workers.take({kNobody + 1, kNobody + 2, kNobody + 9, kNobody + 10});
  CHECK(workers.slots().at(kNobody + 10) == 3);
  CHECK_FALSE(workers.kill(0));  // without a supervisor nobody is killed
}

/// A process that waits to be killed, with the pid that was asked for where the kernel lets us choose.
pid_t idle_process(pid_t wanted = 0) {
  if (wanted > 0) std::ofstream("/proc/sys/kernel/ns_last_pid") << wanted - 1;
  const pid_t pid = fork();
  if (pid == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  return pid;
}

void end_process(pid_t pid) {
  ::kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

TEST_CASE("a process is killed if it is still the one that was meant") {
  const pid_t spared = idle_process();
  CHECK_FALSE(kill_if(spared, [] { return false; }));
  CHECK(waitpid(spared, nullptr, WNOHANG) == 0);
  CHECK(kill_if(spared, [&] { return descends_from(spared, getpid()); }));
  CHECK(waitpid(spared, nullptr, 0) == spared);
  CHECK_FALSE(kill_if(spared, [] { return true; }));
}

TEST_CASE("whoever has got the number of a process that was meant is not killed in its place") {
  const pid_t meant = idle_process();
  pid_t heir = 0;
  const bool killed = kill_if(meant, [&] {
    end_process(meant);
    for (int attempt = 0; attempt < 20 && heir != meant; ++attempt) {
      if (heir != 0) end_process(heir);
      heir = idle_process(meant);
    }
    return true;
  });
  CHECK_FALSE(killed);
  CHECK(waitpid(heir, nullptr, WNOHANG) == 0);
  end_process(heir);
}

TEST_CASE("descent is seen on any level, and ends with it") {
  CHECK(descends_from(getpid(), getppid()));
  CHECK_FALSE(descends_from(getppid(), getpid()));
  const pid_t child = idle_process();
  CHECK(descends_from(child, getpid()));
  CHECK(descends_from(child, getppid()));
  end_process(child);
  CHECK_FALSE(descends_from(child, getpid()));
}

TEST_CASE("near a send the watch looks away") {
  Proc proc;
  proc.write("/10/task/10/children", "21 ");
  proc.process(21, "lab-worker-0");
  ServerWatch watch(10, false, proc.root);
  watch.before();
  watch.start();
  proc.write("/10/task/10/children", "21 22 ");
  proc.process(22, "lab-worker-1");
  watch.look(kSecond, kMillisecond);
  CHECK(watch.use().processes == 1);
  watch.look(kSecond, 10 * kMillisecond);
  CHECK(watch.use().processes == 2);
  proc.write("/10/task/10/children", "21 22 23 ");
  proc.process(23, "lab-worker-2");
  watch.look(kSecond + 10 * kMillisecond, kSecond);  // it was here just now
  CHECK(watch.use().processes == 2);
}

TEST_CASE("without a master nothing is known") {
  ServerWatch watch(-1);
  watch.before();
  watch.start();
  watch.finish();
  CHECK_FALSE(watch.use().known());
}

}  // namespace
}  // namespace lab
