#include "lab/servers/call.hpp"

#include <fmt/format.h>
#include <unistd.h>

namespace lab {

namespace {

/// A new kind of step must be given a meaning here before this compiles.
struct RunBlocking {
  Nanos begun;
  // The deadline counts from the step's own stamp, so no wait is seen to end early.
  void operator()(const Wait& wait) const { sleep_until(begun + wait.duration); }
  void operator()(const Cpu& cpu) const { burn_cpu(cpu.duration); }
};

}  // namespace

Nanos Call::start() {
  // A handler that does nothing and is watched by nobody reads no clock.
  if (plan_->empty() && !events_.on() && log_number_ == 0) return 0;
  started_ = monotonic_now();
  if (!plan_->empty()) started_wall_clock_ = wall_clock_now();
  events_.add(EventKind::started, id(), started_);
  if (log_number_ != 0) log_line("start");
  return started_;
}

Nanos Call::finish() {
  if (plan_->empty() && !events_.on() && log_number_ == 0) return 0;
  finished_ = monotonic_now();
  if (!plan_->empty()) finished_wall_clock_ = wall_clock_now();
  events_.add(EventKind::finished, id(), finished_);
  if (log_number_ != 0) log_line("end  ");
  return finished_;
}

Nanos Call::begin_step(std::size_t index) {
  const Nanos now = monotonic_now();
  events_.add(EventKind::step_begin, id(), now, static_cast<std::int64_t>(index));
  return now;
}

void Call::end_step(std::size_t index) {
  if (events_.on()) events_.add(EventKind::step_end, id(), monotonic_now(), static_cast<std::int64_t>(index));
}

void Call::perform(std::size_t index) {
  const Nanos begun = begin_step(index);
  std::visit(RunBlocking{begun}, (*plan_)[index].action);
  end_step(index);
}

std::string Call::body() const {
  const std::string message =
      route_->argument == ServedRoute::Argument::none ? route_->message : reply_message(*plan_);
  return fmt::format("{{\"message\":{},\"start_time\":\"{}\",\"end_time\":\"{}\",\"worker_id\":{}}}",
                     json_string(message), local_time(started_wall_clock_), local_time(finished_wall_clock_),
                     getpid());
}

void Call::log_send() const {
  if (log_number_ != 0) log_line("send ");
}

void Call::log_line(const char* what) const {
  const std::string line = fmt::format("{} {} {} {} worker={} request={}\n", local_time(wall_clock_now()),
                                       what, request_.method, request_.target, getpid(), log_number_);
  // One write: lines of several threads and workers must not mix.
  [[maybe_unused]] const ssize_t written = write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace lab
