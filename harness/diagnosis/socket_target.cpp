#include "harness/diagnosis/socket_target.hpp"

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <utility>

namespace lab {

namespace {

constexpr std::size_t kOpenAtOnce =
    4;  // below the shortest backlog in use, that of cpp-httplib and Python: 5
constexpr Nanos kPause = kMillisecond;  // for the server to empty it
constexpr Nanos kOpenPatience = 3 * kSecond;
// For the server to take the connections over before the first request: Python needs 0.1 ms for each.
constexpr Nanos kSettle = 2 * kMillisecond;
constexpr Nanos kSettleEach = 150 * kMicrosecond;

}  // namespace

SocketTarget::SocketTarget(ExaminedRequests requests, Clock& clock, Transport& transport,
                           std::function<std::optional<CpuTime>()> cpu_time)
    : requests_(std::move(requests)),
      clock_(clock),
      transport_(transport),
      cpu_time_(std::move(cpu_time)),
      connections_(*this, {}, clock, transport) {}

/// Those that are to be there at time zero, a few at a time so that no backlog overflows.
void SocketTarget::open_first(const std::vector<Probe>& probes) {
  const Nanos until = clock_.now() + kOpenPatience;
  std::size_t opened = 0;
  for (const Probe& probe : probes) {
    if (!probe.opened_before || connections_.at(probe.connection).phase != Connections::Phase::closed)
      continue;
    connections_.open(probe.connection);
    if (++opened % kOpenAtOnce != 0) continue;
    connections_.await_open(until);
    rest(kPause);
  }
  connections_.await_open(until);
  if (opened > 0) rest(kSettle + static_cast<Nanos>(opened) * kSettleEach);
}

void SocketTarget::rest(Nanos span) {
  const Nanos until = clock_.now() + span;
  while (clock_.now() < until && !interrupted()) connections_.look(until);
}

std::vector<Reply> SocketTarget::send_probes(const std::vector<Probe>& probes, Nanos patience) {
  probes_ = &probes;
  replies_.assign(probes.size(), {});
  under_way_ = 0;
  for (const Probe& probe : probes) connections_.grow(probe.connection + std::size_t{1});
  probe_on_.resize(connections_.size(), kNoProbe);
  open_first(probes);
  std::vector<std::size_t> order(probes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) { return probes[a].at < probes[b].at; });
  began_ = clock_.now();
  const Nanos end = began_ + patience;
  std::size_t next = 0;
  for (;;) {
    const Nanos now = clock_.now();
    while (next < order.size() && began_ + probes[order[next]].at <= now) begin(order[next++]);
    if ((next == order.size() && under_way_ == 0) || now >= end || interrupted()) break;
    connections_.look(next < order.size() ? std::min(end, began_ + probes[order[next]].at) : end);
  }
  for (std::uint32_t connection = 0; connection < probe_on_.size(); ++connection) {
    if (probe_on_[connection] == kNoProbe) continue;
    connections_.close(connection);
    end_probe(connection, interrupted() ? Outcome::unfinished : Outcome::timeout);
  }
  probes_ = nullptr;
  return std::exchange(replies_, {});
}

void SocketTarget::begin(std::size_t index) {
  const Probe& probe = (*probes_)[index];
  const Connections::Connection& connection = connections_.at(probe.connection);
  replies_[index].sent = clock_.now() - began_;
  replies_[index].late = probe.opened_before && connections_.is_opening(probe.connection);
  probe_on_[probe.connection] = index;
  ++under_way_;
  if (probe.opened_before && connection.phase == Connections::Phase::closed) {
    const int error = connection.error;
    replies_[index].late = error == EAGAIN;  // a Unix socket does not wait for room in its backlog
    end_probe(probe.connection, error != 0 ? outcome_of(error_of_open(error)) : Outcome::closed);
  } else {
    connections_.begin(probe.connection, clock_.now());
  }
}

OutgoingRequest SocketTarget::request_on(std::uint32_t connection) {
  const Probe& probe = (*probes_)[probe_on_[connection]];
  return {.head = probe.ping ? requests_.ping : requests_.slow,
          .to_head = probe.ping ? requests_.ping_to_head : requests_.slow_to_head,
          .prompt = probe.prompt};
}

void SocketTarget::on_reply(std::uint32_t connection, const IncomingReply& answer) {
  const bool keep = (*probes_)[probe_on_[connection]].keep && answer.kept;
  const bool is_fine = answer.status >= 200 && answer.status < 300;
  Reply& reply = end_probe(connection, is_fine ? Outcome::ok : Outcome::bad_status);
  reply.status = answer.status;
  reply.kept = keep;
  if (!keep) connections_.close(connection);
}

void SocketTarget::on_failure(std::uint32_t connection, LoadError error) {
  end_probe(connection, outcome_of(error));
}

Reply& SocketTarget::end_probe(std::uint32_t connection, Outcome outcome) {
  Reply& reply = replies_[std::exchange(probe_on_[connection], kNoProbe)];
  reply.received = clock_.now() - began_;
  reply.outcome = outcome;
  --under_way_;
  return reply;
}

void SocketTarget::hang_up() {
  for (std::uint32_t connection = 0; connection < connections_.size(); ++connection)
    connections_.close(connection);
}

}  // namespace lab
