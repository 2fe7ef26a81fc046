#include "harness/model/program.hpp"

#include <algorithm>
#include <limits>

namespace lab {

namespace {

constexpr std::size_t at(Resource resource) {
  return static_cast<std::size_t>(resource);
}

// Sums that would run over end at the last moment of virtual time, as the simulation's do.
Nanos sum(Nanos a, Nanos b) {
  Nanos result = 0;
  return __builtin_add_overflow(a, b, &result) ? std::numeric_limits<Nanos>::max() / 2 : result;
}

// Follows one thread of execution. Of a need, `tail` is the time of its last release until the end is known.
class Walk {
 public:
  Walk(const RouteProgram& program, std::size_t begin, Nanos from)
      : program_(program), place_(begin), now_(from), children_end_(from) {}

  // Until its reply, its end, or the first operation after which the rest may be left out.
  void run() {
    for (;; ++place_) {
      if (!advance(program_[place_])) break;
    }
    for (std::size_t resource = 0; resource < kResources; ++resource) {
      if (held_[resource]) add_piece(needs_[resource], since_[resource], now_);
    }
  }

  Nanos now() const { return now_; }
  bool cpu() const { return cpu_; }
  const std::array<Need, kResources>& needs() const { return needs_; }

 private:
  static void add_piece(Need& need, Nanos from, Nanos to) {
    if (to == from) return;
    if (need.pieces == 0) need.head = from;
    if (need.pieces < std::numeric_limits<int>::max()) ++need.pieces;
    need.work = sum(need.work, to - from);
    need.tail = to;
  }

  bool advance(const MicroOp& op) {
    const std::size_t resource = at(op.resource);
    switch (op.kind) {
      case MicroOpKind::acquire:
        since_[resource] = now_;
        held_[resource] = true;
        break;
      case MicroOpKind::release:
        if (held_[resource]) add_piece(needs_[resource], since_[resource], now_);
        held_[resource] = false;
        break;
      case MicroOpKind::cpu:
        add_piece(needs_[at(Resource::core)], now_, sum(now_, op.duration));
        cpu_ = true;
        now_ = sum(now_, op.duration);
        break;
      case MicroOpKind::wait: now_ = sum(now_, op.duration); break;
      case MicroOpKind::again_begin: left_.push_back(op.duration); break;
      case MicroOpKind::again_end:
        if (--left_.back() > 0) {
          place_ = op.index - 1;
        } else {
          left_.pop_back();
        }
        break;
      case MicroOpKind::fork: fork(op.index); break;
      case MicroOpKind::join: join(); break;
      // What follows may be left out, by a status that says so, or comes after the reply.
      case MicroOpKind::put:
      case MicroOpKind::fetch:
      case MicroOpKind::reply:
      case MicroOpKind::close:
      case MicroOpKind::end_child:
      case MicroOpKind::end_job: return false;
      case MicroOpKind::check_body: ++place_; break;  // too large only where one comes
      case MicroOpKind::jump: place_ = op.index - 1; break;
      default: break;  // takes no time and holds nothing
    }
    return true;
  }

  void fork(std::uint32_t begin) {
    children_.emplace_back(program_, begin, now_);
    children_.back().run();
    children_end_ = std::max(children_end_, children_.back().now());
  }

  void join() {
    now_ = std::max(now_, children_end_);
    for (const Walk& child : children_) {
      cpu_ = cpu_ || child.cpu_;
      for (std::size_t resource = 0; resource < kResources; ++resource) {
        const Need& theirs = child.needs_[resource];
        if (theirs.pieces == 0) continue;
        Need& need = needs_[resource];
        need.head = need.pieces == 0 ? theirs.head : std::min(need.head, theirs.head);
        need.pieces += theirs.pieces;
        need.work = sum(need.work, theirs.work);
        // Whichever branch has it last, at least what follows in that branch follows.
        need.tail = std::max(need.tail, now_ - (child.now_ - theirs.tail));
      }
    }
    children_.clear();
  }

  const RouteProgram& program_;
  std::size_t place_;
  Nanos now_;
  Nanos children_end_;
  bool cpu_ = false;
  std::array<Need, kResources> needs_{};
  std::array<Nanos, kResources> since_{};
  std::array<bool, kResources> held_{};
  std::vector<Nanos> left_;
  std::vector<Walk> children_;
};

}  // namespace

Demand demand_of(const RouteProgram& program) {
  Walk walk(program, 0, 0);
  walk.run();
  Demand demand{walk.needs(), walk.now(), walk.cpu()};
  for (Need& need : demand.needs) {
    if (need.pieces > 0) need.tail = demand.length - need.tail;
  }
  return demand;
}

}  // namespace lab
