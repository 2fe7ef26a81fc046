#include "harness/model/demand.hpp"

namespace lab {

namespace {

void add_piece(Need& need, Nanos from, Nanos to) {
  if (to == from) return;
  if (need.pieces++ == 0) need.head = from;
  need.work += to - from;
  need.tail = to;  // turned into what follows once the length is known
}

}  // namespace

Demand demand_of(const RouteProgram& program) {
  Demand demand;
  std::array<Nanos, 6> since{};
  const auto at = [](Resource resource) { return static_cast<std::size_t>(resource); };
  Nanos now = 0;
  for (const MicroOp& op : program) {
    switch (op.kind) {
      case MicroOpKind::acquire: since[at(op.resource)] = now; break;
      case MicroOpKind::release:
      case MicroOpKind::close:
        if (op.resource != Resource::nothing)
          add_piece(demand.needs[at(op.resource)], since[at(op.resource)], now);
        break;
      case MicroOpKind::cpu:
        add_piece(demand.needs[at(Resource::core)], now, now + op.duration);
        demand.cpu = true;
        now += op.duration;
        break;
      case MicroOpKind::wait: now += op.duration; break;
      case MicroOpKind::reply: demand.length = now; break;
      case MicroOpKind::read:
      case MicroOpKind::start:
      case MicroOpKind::step_begin:
      case MicroOpKind::step_end:
      case MicroOpKind::finish: break;
    }
  }
  for (Need& need : demand.needs) {
    if (need.pieces > 0) need.tail = demand.length - need.tail;
  }
  return demand;
}

}  // namespace lab
