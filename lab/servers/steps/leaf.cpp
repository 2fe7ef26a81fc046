#include "lab/servers/steps/leaf.hpp"

#include <poll.h>

#include <algorithm>
#include <ctime>

#include "lab/servers/steps/work.hpp"

namespace lab {

namespace {

/// Waits in the calling thread until it is over.
LeafFault finish(Conversation& question) {
  while (const auto need = question.go_on()) {
    pollfd watched{need->fd, static_cast<short>(need->to_write ? POLLOUT : POLLIN), 0};
    const Nanos left = std::max<Nanos>(0, question.deadline() - monotonic_now());
    const timespec span{left / kSecond, left % kSecond};
    if (ppoll(&watched, 1, &span, nullptr) == 0) question.give_up();
  }
  return question.fault();
}

}  // namespace

std::unique_ptr<Conversation> ask(const Step& step, const LeafTools& tools, bool may_block) {
  if (const auto* call = step.as<CallUpstream>()) return ask_upstream(tools.upstream_port, *call);
  if (const auto* query = step.as<Query>())
    return ask_database(tools.connection, *tools.postgres, *query, may_block);
  return nullptr;
}

LeafEnd run_leaf(const Step& step, Nanos begun, const LeafTools& tools) {
  if (const auto* wait = step.as<Wait>()) sleep_until(begun + wait->duration);
  if (const auto question = ask(step, tools, true)) return {finish(*question)};
  const auto* compute = step.as<Compute>();
  if (compute == nullptr) return {};
  const Nanos before = thread_cpu_now();
  const std::int64_t units_before = units_run();
  const auto done = run_work(*compute, tools.between);
  LeafFault fault = done ? LeafFault{} : LeafFault{kServerFault, done.error().message};
  return {std::move(fault), thread_cpu_now() - before, units_run() - units_before};
}

double pace_of(const Compute& compute, const LeafEnd& end) {
  if (end.units <= 0 || compute.units <= 0 || compute.duration <= 0) return 0;
  const double times = static_cast<double>(end.units) / static_cast<double>(compute.units);
  return seconds(end.cpu) / (seconds(compute.duration) * times);
}

}  // namespace lab
