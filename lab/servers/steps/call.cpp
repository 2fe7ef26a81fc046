#include "lab/servers/steps/call.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

namespace lab {

bool has_gone(int socket) {
  char byte = 0;
  const ssize_t size = recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return size == 0 || (size < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

void Call::start() {
  if (client_ >= 0 && has_gone(client_)) return cancel();
  if (unwatched()) return;
  started_ = monotonic_now();
  if (!idle()) started_wall_clock_ = wall_clock_now();
  events().add(EventKind::started, id(), started_);
  log_line("start");
}

void Call::finish() {
  if (unwatched()) return;
  finished_ = monotonic_now();
  if (!idle()) finished_wall_clock_ = wall_clock_now();
  // A cancelled handler has not come to its end; its event says so.
  if (!cancelled()) events().add(EventKind::finished, id(), finished_);
  log_line("end  ");
}

void Call::pass(Nanos at) {
  started_ = finished_ = at;
  events().add(EventKind::started, id(), at);
  events().add(EventKind::finished, id(), at);
  log_line("start");
  log_line("end  ");
}

std::string Call::body() const {
  const Outcome* const left = result();
  if (left != nullptr && !left->failure.empty()) return detail_body(left->failure);
  if (left != nullptr && !left->reply.empty()) return left->reply;
  const bool builtin = route_->argument != ServedRoute::Argument::none;
  return reply_body(route_->route.reply, {.message = builtin ? reply_message(*plan_) : route_->message,
                                          .count = left != nullptr ? left->count : -1,
                                          .start_time = started_wall_clock_,
                                          .end_time = finished_wall_clock_});
}

void Call::log_line(const char* what) const {
  if (log_number_ == 0) return;
  std::string line;
  append_local_time(line, wall_clock_now());
  line += fmt::format(" {} {} {} worker={} request={}\n", what, request_.method, request_.target, getpid(),
                      log_number_);
  // One write: lines of several threads and workers must not mix.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

void Call::interrupt() {
  cancel();
  for (const Interruption& wait : waits_) wait.end_(wait.operation_);
}

}  // namespace lab
