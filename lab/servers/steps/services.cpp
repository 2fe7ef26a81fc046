#include "lab/servers/steps/services.hpp"

#include <sys/prctl.h>

#include <csignal>

#include "lab/servers/steps/work.hpp"

namespace lab {

Services::Services(const ServerSetup& setup)
    : setup_(setup), counter_(setup.arm.shared_counters ? setup.store : std::string()) {
  if (setup.arm.gil) gil_ = std::make_unique<Gil>();
  if (setup.arm.connections > 0) connection_pool_ = std::make_unique<ConnectionPool>(setup.arm.connections);
}

void Services::open() {
  if (setup_.arm.pool_processes) processes_ = std::make_unique<ProcessPool>(setup_);
  const StepKinds kinds = prepare_steps(setup_.routes);
  // At once, so that the first burst does not pay for them.
  for (int i = 0; kinds.query && i < setup_.arm.connections; ++i)
    connections_.push_back(open_connection(setup_.postgres));
  if (kinds.increment) counter_.open().value();
}

LeafTools Services::tools(std::optional<std::uint16_t> connection) {
  const bool kept = connection && !connections_.empty();
  return {.upstream_port = setup_.upstream_port,
          .postgres = &setup_.postgres,
          .connection = kept ? &connections_[*connection] : nullptr};
}

void begin_service(const std::string& name, std::initializer_list<int> ignored) {
  for (const int number : ignored) std::signal(number, SIG_IGN);
  prctl(PR_SET_NAME, name.c_str(), 0UL, 0UL, 0UL);
  // Without this the kernel may end any sleep 50 us late to save a wake-up (prctl(2)); threads inherit it.
  prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
}

StepKinds prepare_steps(const std::vector<Route>& routes) {
  StepKinds kinds;
  const auto look = [&kinds](const Step& step) {
    kinds.query |= step.is<Query>();
    kinds.increment |= step.is<Increment>();
    if (const auto* compute = step.as<Compute>()) prepare_work(compute->work);
  };
  for (const Route& route : routes) for_each_step(route, look);
  return kinds;
}

}  // namespace lab
