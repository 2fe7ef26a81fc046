#pragma once

#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string_view>
#include <type_traits>
#include <utility>

#include "lab/core/clock.hpp"
#include "lab/core/error.hpp"

namespace lab {

/// timeout(1) sends its TERM twice in a row; a person who asks again takes longer.
inline constexpr Nanos kSecondSignal = 100 * kMillisecond;

/// What a process that was just forked does first: it dies with its parent (PR_SET_PDEATHSIG, and a check
/// that the parent is still there), forgets inherited signal handlers and masks, reads nothing, writes
/// nothing to stdout, and closes every descriptor above stderr but `keep`. Async-signal-safe: its parent may
/// have threads, of which one may have been in malloc.
void begin_child(pid_t parent, std::initializer_list<int> keep);

/// A process that was forked here and is reaped here. The only place where anything forks.
class ChildProcess {
 public:
  /// Forks. The child begins as begin_child says, with the descriptors of `keep`; what `life` returns is its
  /// exit code, and it never returns into the caller's story. Error (exit 3): no more processes; it names
  /// `what`.
  static Result<ChildProcess> start(std::string_view what, std::initializer_list<int> keep,
                                    const std::function<int()>& life);

  ChildProcess() = default;
  ChildProcess(ChildProcess&& other) noexcept { *this = std::move(other); }
  ChildProcess& operator=(ChildProcess&& other) noexcept {
    std::swap(pid_, other.pid_);
    return *this;
  }
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;
  /// Whoever lets go of a child that runs kills it.
  ~ChildProcess() { kill(); }

  /// -1: there is none, or it was reaped.
  pid_t pid() const { return pid_; }
  bool there() const { return pid_ > 0; }
  /// Nothing where it was reaped.
  void signal(int number) const;

  /// What there is to know of it, for `which` flags of waitid(2): its si_code, 0: nothing new.
  int news(int which) const;
  /// KILL, reaped on return.
  void kill();
  /// From now on somebody else reaps it.
  pid_t release() { return std::exchange(pid_, -1); }
  /// Its status (wait(2)), once, when it has ended; -1: somebody else reaped it. Nothing where there is none.
  std::optional<int> ended();
  /// The same, waiting for its end.
  int await_end() { return *reap(0); }
  /// The same, waiting at most until then, with short pauses.
  std::optional<int> await_end(Nanos until);

 private:
  std::optional<int> reap(int flags);

  pid_t pid_ = -1;
};

/// Opens /dev/null where stdin, stdout or stderr is closed, so that no descriptor opened later takes its
/// place and is lost to begin_child.
void fill_standard_descriptors();

/// Grows this process's descriptor table now. The kernel lets a process with threads wait some 10 ms (for all
/// readers of the old table, RCU) whenever the table grows, and it starts with room for 64. Call it before
/// there are threads.
void grow_descriptor_table();

/// Cores that this process may use.
int available_cores();

/// Restricts this process to the first `cores` of the cores it may use; 0: all.
void limit_cores(int cores);

/// Writes it all; false where the descriptor takes no more.
bool write_all(int fd, std::string_view text);

/// Owns a file descriptor. Not thread-safe.
class UniqueFd {
 public:
  UniqueFd() = default;
  explicit UniqueFd(int fd) : fd_(fd) {}
  UniqueFd(UniqueFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  UniqueFd& operator=(UniqueFd&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  UniqueFd(const UniqueFd&) = delete;
  UniqueFd& operator=(const UniqueFd&) = delete;
  ~UniqueFd() { reset(); }

  int get() const { return fd_; }
  bool valid() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset() {
    if (fd_ >= 0) close(std::exchange(fd_, -1));
  }

 private:
  int fd_ = -1;
};

/// A descriptor that came through a channel between processes, and the number that came with it.
struct PassedDescriptor {
  UniqueFd fd;  ///< none: nothing was passed with it, or this process has no descriptor free
  std::int32_t number = 0;
};

/// Sends a message through a Unix socket that keeps its bounds (SCM_RIGHTS, unix(7)); `fd` -1: the number
/// alone. `flags` of sendmsg(2). False: errno says why.
bool pass_descriptor(int channel, int fd, std::int32_t number, int flags);

/// Takes the next such message. `flags` of recvmsg(2). False: there is none, or the other end is gone.
bool take_descriptor(int channel, PassedDescriptor& passed, int flags);

/// Values in memory that a process shares with those that it forks, or through a descriptor with any. They
/// are begun once and never destroyed: whoever dies holding them leaves them as they are.
template <class T>
class SharedMemory {
 public:
  /// `count` values, of a descriptor's bytes where there is one. Fresh bytes are zero and cost nothing until
  /// they are touched; so values that need no more are not. Errors: mmap's, with `name` for the memory.
  static Result<SharedMemory> create(std::string_view name, std::size_t count = 1, int descriptor = -1) {
    const std::size_t bytes = count * sizeof(T);
    const int kind = MAP_SHARED | MAP_NORESERVE | (descriptor < 0 ? MAP_ANONYMOUS : 0);
    void* const memory = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, kind, descriptor, 0);
    if (memory == MAP_FAILED) return system_error("mmap", name, errno);
    SharedMemory shared;
    shared.values_ = {static_cast<T*>(memory), Unmap{bytes}};
    if constexpr (!std::is_trivially_default_constructible_v<T>)
      std::uninitialized_default_construct_n(shared.get(), count);
    return shared;
  }

  T* get() const { return values_.get(); }
  T& operator*() const { return *values_; }
  T* operator->() const { return values_.get(); }
  T& operator[](std::size_t index) const { return values_.get()[index]; }
  explicit operator bool() const { return values_ != nullptr; }

 private:
  struct Unmap {
    std::size_t bytes = 0;
    void operator()(T* values) const { munmap(values, bytes); }
  };
  std::unique_ptr<T, Unmap> values_;
};

/// The running program's file.
std::filesystem::path program_path();

/// The source checkout that holds the program (or else the current folder): the nearest parent with both
/// `labw` and `scenarios/`.
std::optional<std::filesystem::path> checkout_root();

/// The first executable file of that name in $PATH.
std::optional<std::filesystem::path> find_program(std::string_view name);

/// `<prefix>/share/lab` of an installed program, whether or not it exists.
std::filesystem::path installed_share();

}  // namespace lab
