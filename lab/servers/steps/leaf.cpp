#include "lab/servers/steps/leaf.hpp"

#include <utility>

#include "lab/servers/steps/upstream.hpp"
#include "lab/servers/steps/work.hpp"

namespace lab {

namespace {

LeafFault fault_of(const Result<void>& result, int status) {
  return result ? LeafFault{} : LeafFault{status, result.error().message};
}

struct RunLeaf {
  Nanos begun;
  const LeafTools& tools;

  LeafFault operator()(const Wait& wait) const {
    sleep_until(begun + wait.duration);
    return {};
  }
  LeafFault operator()(const Compute& compute) const {
    return fault_of(run_work(compute, tools.between), kServerFault);
  }
  LeafFault operator()(const CallUpstream& call) const {
    return fault_of(call_upstream_blocking(tools.upstream_port, call), kBadGateway);
  }
  LeafFault operator()(const Query& query) const {
    PgConnection fresh;
    PgConnection& connection = tools.connection == nullptr ? fresh : *tools.connection;
    return fault_of(query_blocking(connection, *tools.postgres, query), kUnavailable);
  }
  template <class Other>
  LeafFault operator()(const Other& /*step*/) const {
    return {};
  }
};

}  // namespace

bool is_waiting(const Step& step) {
  return std::holds_alternative<Wait>(step.action) || std::holds_alternative<CallUpstream>(step.action) ||
         std::holds_alternative<Query>(step.action);
}

bool needs_connection(const Step& step) {
  const auto* wait = std::get_if<Wait>(&step.action);
  return wait != nullptr ? wait->on_connection : std::holds_alternative<Query>(step.action);
}

LeafEnd run_leaf(const Step& step, Nanos begun, const LeafTools& tools) {
  if (!std::holds_alternative<Compute>(step.action)) return {std::visit(RunLeaf{begun, tools}, step.action)};
  const Nanos before = thread_cpu_now();
  const std::int64_t units_before = units_run();
  LeafFault fault = std::visit(RunLeaf{begun, tools}, step.action);
  return {std::move(fault), thread_cpu_now() - before, units_run() - units_before};
}

double pace_of(const Compute& compute, const LeafEnd& end) {
  if (end.units <= 0 || compute.units <= 0 || compute.duration <= 0) return 0;
  const double times = static_cast<double>(end.units) / static_cast<double>(compute.units);
  return seconds(end.cpu) / (seconds(compute.duration) * times);
}

}  // namespace lab
