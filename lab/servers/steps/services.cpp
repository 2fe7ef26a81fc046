#include "lab/servers/steps/services.hpp"

#include <fmt/format.h>

#include <cstdio>

#include "lab/servers/steps/work.hpp"

namespace lab {

Services::Services(const ServerSetup& setup)
    : setup_(setup), counter_(setup.arm.shared_counters ? setup.store : std::string()) {
  if (setup.arm.gil) gil_ = std::make_unique<Gil>();
  if (setup.arm.connections > 0) gate_ = std::make_unique<ConnectionPool>(setup.arm.connections);
}

void Services::open() {
  if (setup_.arm.pool_processes) processes_ = std::make_unique<ProcessPool>(setup_);
  bool queries = false;
  bool counts = false;
  for_each_step_of(setup_.routes, [&](const Step& step) {
    queries |= std::holds_alternative<Query>(step.action);
    counts |= std::holds_alternative<Increment>(step.action);
    if (const auto* compute = std::get_if<Compute>(&step.action)) prepare_work(compute->work);
  });
  if (queries && gate_ != nullptr)
    database_ = std::make_unique<Database>(setup_.postgres, setup_.arm.connections);
  if (!counts) return;
  if (const auto opened = counter_.open(); !opened) throw Failure(opened.error());
}

void Services::close() {
  processes_.reset();
}

}  // namespace lab
