#include "lab/core/interrupt.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdint>

#include "lab/core/error.hpp"
#include "lab/core/process.hpp"

namespace lab {

namespace {

volatile std::sig_atomic_t g_signal = 0;
std::atomic<Nanos> g_first{0};  ///< when it came
int g_event = -1;

void on_signal(int number) {
  if (g_signal != 0) {
    // A terminal that closes says so several times: the kernel, and its shell.
    if (number == SIGHUP || monotonic_now() < g_first + kSecondSignal) return;
    _exit(128 + number);  // a second Ctrl-C: now; the children follow by their parent-death signal
  }
  g_first = monotonic_now();
  g_signal = number == SIGINT ? SIGINT : SIGTERM;
  const std::uint64_t one = 1;
  const int saved = errno;
  [[maybe_unused]] const ssize_t written = ::write(g_event, &one, sizeof one);
  errno = saved;
}

}  // namespace

void watch_for_interrupts() {
  g_event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (g_event < 0) throw Failure(system_error("eventfd", "for interrupts", errno));
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  action.sa_flags = 0;  // no SA_RESTART: blocking reads at a prompt end too
  for (const int number : {SIGINT, SIGTERM, SIGQUIT, SIGHUP}) sigaddset(&action.sa_mask, number);
  for (const int number : {SIGINT, SIGTERM, SIGQUIT}) sigaction(number, &action, nullptr);
  struct sigaction inherited {};
  sigaction(SIGHUP, nullptr, &inherited);
  if (inherited.sa_handler != SIG_IGN) sigaction(SIGHUP, &action, nullptr);  // nohup(1)
  std::signal(SIGPIPE, SIG_IGN);                                             // a reader that went away, and
  std::signal(SIGXFSZ, SIG_IGN);  // a file that may not grow, are errors of the write that meets them
}

int interrupt_signal() {
  return g_signal;
}

int interrupt_fd() {
  return g_event;
}

bool await_ready(int fd, short events, Nanos until) {
  for (;;) {
    pollfd polled[2] = {{fd, events, 0}, {interrupt_fd(), POLLIN, 0}};
    const Nanos left = std::max<Nanos>(0, until - monotonic_now());
    const timespec span{left / kSecond, left % kSecond};
    const int ready = ppoll(polled, 2, &span, nullptr);
    if (ready >= 0 || errno != EINTR || g_signal != 0) return ready > 0 && polled[0].revents != 0;
  }
}

int interrupt_exit_code() {
  return g_signal == 0 ? 0 : 128 + g_signal;
}

}  // namespace lab
