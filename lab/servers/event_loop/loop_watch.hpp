// Says of an Asio program what `lab diagnose --server` wants to know: how late its io_context is, and in
// which function meanwhile. One file for any program with Boost.Asio or Asio, C++17, Linux with glibc;
// nothing else of the lab is needed:
//
//   boost::asio::io_context context;
//   const lab::inside::LoopWatch watch(context);  // which must not outlive the context
//   context.run();
//
// Without LAB_INSIDE in the environment it is one getenv. With it, a thread posts a heartbeat to the context
// every 10 ms and looks whether the last one was run. Where that is late, the thread that runs the context
// gets a SIGURG, whose handler takes its stack; lines of JSON go into the folder that LAB_INSIDE names.
// Nothing is printed, and what fails is let be. Functions have names where the program is not stripped, and
// lines where it was compiled with -g.
#pragma once

#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <climits>
#include <condition_variable>
#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>

namespace lab::inside {

/// What a signal handler leaves of the thread that it interrupted.
struct TakenStack {
  static constexpr int kMost = 40;
  std::array<void*, kMost> frames{};
  int count = 0;
  std::atomic<bool> taken{false};
};

/// Where the next stack goes. One for each process: a signal handler has no other way to learn it.
inline std::atomic<TakenStack*> wanted_stack{nullptr};

inline void take_stack(int /*signal*/) {
  const int error = errno;
  if (TakenStack* const stack = wanted_stack.exchange(nullptr)) {
    stack->count = backtrace(stack->frames.data(), TakenStack::kMost);
    stack->taken.store(true, std::memory_order_release);
  }
  errno = error;
}

/// The object file of an address, and where it lies in it.
struct PlaceInFile {
  std::uintptr_t address = 0;
  std::string file{};
  std::uintptr_t offset = 0;

  static int look(dl_phdr_info* object, std::size_t /*size*/, void* to) {
    PlaceInFile& place = *static_cast<PlaceInFile*>(to);
    for (int i = 0; i < object->dlpi_phnum; ++i) {
      const ElfW(Phdr)& part = object->dlpi_phdr[i];
      const std::uintptr_t from = object->dlpi_addr + part.p_vaddr;
      if (part.p_type != PT_LOAD || place.address < from || place.address >= from + part.p_memsz) continue;
      place.offset = place.address - object->dlpi_addr;
      place.file = object->dlpi_name;
      return 1;
    }
    return 0;
  }
};

inline std::string json_text(const std::string& text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return quoted + "\"";
}

/// `[file, 0, null, offset]`: where a return address lies in its object file, for addr2line. The call is
/// before it.
inline std::string json_frame(void* address) {
  PlaceInFile place{reinterpret_cast<std::uintptr_t>(address) - 1};
  if (dl_iterate_phdr(PlaceInFile::look, &place) == 0) return "";
  if (place.file.empty()) {  // the program itself
    std::array<char, PATH_MAX> name{};
    const ssize_t size = readlink("/proc/self/exe", name.data(), name.size());
    place.file.assign(name.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  }
  return "[" + json_text(place.file) + ",0,null," + std::to_string(place.offset) + "]";
}

/// What heartbeats leave, shared with those that a context still has when the watch ends.
struct Beats {
  std::atomic<std::int64_t> run{0};  // when the last one was, CLOCK_MONOTONIC ns
  std::atomic<pid_t> thread{0};      // which thread ran it
};

class LoopWatch {
 public:
  template <class IoContext>
  explicit LoopWatch(IoContext& context) {
    const char* const folder = std::getenv("LAB_INSIDE");
    if (folder == nullptr || *folder == '\0') return;
    const std::string path = std::string(folder) + "/" + std::to_string(getpid()) + ".jsonl";
    lines_ = open(path.c_str(), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
    if (lines_ < 0) return;
    std::array<void*, 1> first{};
    backtrace(first.data(), 1);  // the first call loads a library, which no signal handler may
    struct sigaction action {};
    struct sigaction before {};
    action.sa_handler = take_stack;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    // Who uses the signal keeps it; then there are no stacks.
    const bool free = sigaction(SIGURG, nullptr, &before) == 0 &&
                      (before.sa_handler == SIG_DFL || before.sa_handler == take_stack);
    may_signal_ = free && sigaction(SIGURG, &action, nullptr) == 0;
    thread_ = std::thread([this, &context] {
      watch([&context](auto heartbeat) { post(context, std::move(heartbeat)); });  // Asio's, whichever it is
    });
  }
  LoopWatch(const LoopWatch&) = delete;
  LoopWatch& operator=(const LoopWatch&) = delete;
  ~LoopWatch() {
    if (lines_ < 0) return;
    {
      const std::lock_guard guard(mutex_);
      over_ = true;
    }
    wake_.notify_one();
    thread_.join();
    close(lines_);
  }

 private:
  static constexpr std::int64_t kMs = 1'000'000;
  static constexpr std::int64_t kBeat = 10 * kMs;  // between two heartbeats, and between two stacks
  static constexpr std::int64_t kLate = 10 * kMs;  // later than that, somebody keeps the loop
  static constexpr int kMaxLines = 20'000;

  static std::int64_t now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000 * kMs + time.tv_nsec;
  }

  static std::string version() {
#ifdef __clang__
    return std::string("Clang ") + __clang_version__;
#else
    return std::string("GCC ") + __VERSION__;
#endif
  }

  /// `{"kind":"late","at_ns":17,…}`, whole or not at all.
  void write(const char* kind, const std::string& values) {
    if (++written_ > kMaxLines) return;
    const std::string line = std::string("{\"kind\":\"") + kind + "\"," + values + "}\n";
    [[maybe_unused]] const ssize_t ignored = ::write(lines_, line.data(), line.size());
  }

  bool pause() {
    std::unique_lock lock(mutex_);
    return !wake_.wait_for(lock, std::chrono::nanoseconds(kBeat), [this] { return over_; });
  }

  template <class Post>
  void watch(const Post& post_to_loop) {
    const auto beats = std::make_shared<Beats>();
    std::int64_t asked = 0, accounted = 0;
    pid_t loop = 0;
    do {
      const std::int64_t at = now(), run = beats->run.load();
      if (const pid_t thread = beats->thread.load(); thread != loop) {
        loop = thread;
        write("hello", "\"language\":\"c++\",\"version\":" + json_text(version()) +
                           ",\"pid\":" + std::to_string(getpid()) +
                           ",\"loop\":\"asio\",\"thread\":" + std::to_string(loop));
      }
      if (run >= asked) {
        asked = at;
        post_to_loop([beats] {
          beats->thread.store(static_cast<pid_t>(syscall(SYS_gettid)));
          beats->run.store(now());
        });
      } else if (loop != 0 && at - asked > kLate) {
        const std::string stack = stack_of(loop);
        // Otherwise it has come round meanwhile, and the stack is of something else.
        if (beats->run.load() < asked) {
          write("late", "\"at_ns\":" + std::to_string(at) + ",\"thread\":" + std::to_string(loop) +
                            ",\"late_ns\":" + std::to_string(at - std::max(asked, accounted)) +
                            ",\"stack\":[" + stack + "]");
          accounted = at;
        }
      }
    } while (pause());
  }

  /// The frames of a thread of this process, innermost first; empty where it gave none in time.
  std::string stack_of(pid_t thread) {
    if (!may_signal_) return "";
    taken_.taken.store(false);
    wanted_stack.store(&taken_);
    syscall(SYS_tgkill, getpid(), thread, SIGURG);
    constexpr int kTries = 20;
    for (int i = 0; i < kTries && !taken_.taken.load(); ++i)
      std::this_thread::sleep_for(std::chrono::microseconds(100));
    // Where the handler has begun, it comes to its end; where it has not, it finds nothing to do.
    if (wanted_stack.exchange(nullptr) != nullptr) return "";
    while (!taken_.taken.load()) std::this_thread::yield();
    std::string frames;
    constexpr int kHandler = 2;  // its own frame, and what the kernel returns to
    for (int i = kHandler; i < taken_.count; ++i) {
      const std::string frame = json_frame(taken_.frames[static_cast<std::size_t>(i)]);
      if (!frame.empty()) frames += (frames.empty() ? "" : ",") + frame;
    }
    return frames;
  }

  int lines_ = -1, written_ = 0;
  TakenStack taken_;
  bool may_signal_ = false, over_ = false;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::thread thread_;
};

}  // namespace lab::inside
