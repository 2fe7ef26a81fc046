#include "lab/servers/steps/execution.hpp"

#include <utility>

#include "lab/servers/steps/gil.hpp"
#include "lab/servers/steps/services.hpp"

namespace lab {

namespace {

// Who had the interpreter lock for a moment, and nobody else wanted it, is not worth two events.
constexpr Nanos kWorthTelling = 50 * kMicrosecond;

}  // namespace

void PlanExecution::take_gil() const {
  if (Gil* const gil = services_.gil(); gil != nullptr) gil->acquire();
}

void PlanExecution::drop_gil() const {
  Gil* const gil = services_.gil();
  if (gil == nullptr) return;
  const Gil::Hold hold = gil->release();
  if (!hold.contended && hold.to - hold.from <= kWorthTelling) return;
  events_.acquire(Resource::gil, 0, id_, hold.from);
  events_.release(Resource::gil, 0, id_, hold.to);
}

void PlanExecution::poll_gil() const {
  const Gil* const gil = services_.gil();
  if (gil == nullptr || !gil->wanted()) return;
  drop_gil();
  take_gil();
}

template <class Change>
void PlanExecution::leave(const Change& change) {
  const std::lock_guard lock(services_.results());
  if (result_ == nullptr) result_ = std::make_unique<Outcome>();
  change(*result_);
}

void PlanExecution::fail(int status, std::string reason) {
  leave([&](Outcome& result) {
    if (ended()) return;
    result.status = status;
    result.failure = std::move(reason);
    ended_.store(true, std::memory_order_release);
  });
}

void PlanExecution::cancel() {
  leave([&](Outcome& result) {
    if (ended()) return;
    result.cancelled = true;
    events_.add(EventKind::cancelled, id_, events_.stamp());
    ended_.store(true, std::memory_order_release);
  });
}

void PlanExecution::set_count(std::int64_t count) {
  leave([&](Outcome& result) { result.count = count; });
}

void PlanExecution::set_reply(int status, std::string body) {
  leave([&](Outcome& result) {
    result.status = status;
    result.reply = std::move(body);
  });
}

void PlanExecution::defer(const Plan& plan, StepPlace place) {
  leave([&](Outcome& result) { result.deferred.push_back({&plan, place}); });
}

}  // namespace lab
