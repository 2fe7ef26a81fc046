#include "harness/client/load_driver.hpp"

#include <algorithm>

#include "harness/client/load_pace.hpp"

namespace lab {

namespace {

// When nobody asks any more, a kill is waited for no longer than that.
constexpr Nanos kLongestIdle = 10 * kSecond;

// Housekeeping takes a while, so it stays away from sends; but not for ever, or the event ring overflows.
constexpr Nanos kHousekeepingPeriod = 10 * kMillisecond;
constexpr Nanos kHousekeepingRoom = 400 * kMicrosecond;
constexpr Nanos kHousekeepingPatience = 50 * kMillisecond;

std::size_t planned_requests(const Case& load_set, const std::vector<Arrival>& arrivals) {
  std::size_t planned = arrivals.size();
  for (const Load& load : load_set.loads) {
    if (load.arrivals == Arrivals::closed && load.requests > load.clients) {
      planned += static_cast<std::size_t>(load.requests - load.clients);
    }
  }
  return planned;
}

}  // namespace

LoadDriver::LoadDriver(const Case& load_set, const LoadTarget& target, const DriverSetup& setup, Clock& clock,
                       Transport& transport)
    : case_(load_set),
      setup_(setup),
      clock_(clock),
      transport_(transport),
      arrivals_(schedule(load_set, setup.seed)),
      plan_(plan_connections(load_set, arrivals_)),
      host_(target.host),
      port_(target.port),
      routes_(target.routes),
      stamped_(target.stamped),
      connections_(plan_.connections.size()),
      kills_(load_set.kills),
      planned_(planned_requests(load_set, arrivals_)) {
  for (const Load& load : load_set.loads) {
    const Route& route = routes_[load.route];
    LoadState& state = loads_.emplace_back(
        LoadState{.text = {route, host_, port_, setup.identify, load.body_bytes}, .follow_text = {}});
    if (load.then) state.follow_text.emplace(routes_[load.then->route], host_, port_, setup.identify);
    state.body_bytes = load.body_bytes;
    state.websocket = route.method == "WS";
    if (load.arrivals == Arrivals::closed)
      state.to_issue = std::max<std::int64_t>(0, load.requests - load.clients);
  }
  std::stable_sort(kills_.begin(), kills_.end(), [](const Kill& a, const Kill& b) { return a.at < b.at; });
  records_.resize(planned_);
  ports_.resize(planned_, 0);
  connection_of_.resize(planned_, kNoConnection);
  deadlines_.reserve(planned_);
  for (const Arrival& arrival : arrivals_) take_planned(arrival.load);
  for (std::uint32_t connection = 0; connection < connections_.size(); ++connection) {
    const std::uint32_t load = plan_.connections[connection].load;
    connections_[connection].load = load;
    if (is_pooled(load_set.loads[load])) make_idle(connection);
  }
}

// The planned ones have the first ids, so that a follow-up never takes one of theirs.
std::uint32_t LoadDriver::take_planned(std::uint32_t load) {
  const auto index = static_cast<std::uint32_t>(taken_++);
  RequestRecord& record = records_[index];
  record.id = index + 1;
  record.load = load;
  record.route = static_cast<std::uint32_t>(case_.loads[load].route);
  return index;
}

std::uint32_t LoadDriver::append_record() {
  const auto index = static_cast<std::uint32_t>(records_.size());
  records_.emplace_back().id = index + 1;
  ports_.push_back(0);
  connection_of_.push_back(kNoConnection);
  return index;
}

bool LoadDriver::open_connections(std::size_t count, Nanos until) {
  const auto first = static_cast<std::uint32_t>(next_open_);
  for (; count > 0 && next_open_ < connections_.size(); ++next_open_) {
    if (!plan_.connections[next_open_].preopened) continue;
    start_open(static_cast<std::uint32_t>(next_open_));
    --count;
  }
  const auto is_opening = [](const Connection& connection) {
    return connection.phase == Phase::opening || connection.phase == Phase::upgrading;
  };
  while (!interrupted_ && clock_.now() < until &&
         std::any_of(connections_.begin() + first,
                     connections_.begin() + static_cast<std::ptrdiff_t>(next_open_), is_opening)) {
    handle(transport_.wait(until));
    interrupted_ = transport_.interrupted();
  }
  for (std::uint32_t connection = first; connection < next_open_; ++connection) {
    if (connections_[connection].phase == Phase::idle) opened_ports_.push_back(connections_[connection].port);
  }
  return std::any_of(plan_.connections.begin() + static_cast<std::ptrdiff_t>(next_open_),
                     plan_.connections.end(),
                     [](const ConnectionPlan::Connection& planned) { return planned.preopened; });
}

void LoadDriver::run(Nanos began) {
  began_ = began;
  last_answer_ = began;
  last_housekeeping_ = clock_.now();
  while (!interrupted_ && !finished()) {
    handle(transport_.wait(wait_until(clock_.now())));
    if (transport_.interrupted()) {
      interrupted_ = true;
      break;
    }
    const Nanos now = clock_.now();
    kill_due(now);
    issue_due(now);
    expire(now);
    keep_house(now);
  }
  for (; next_kill_ < kills_.size(); ++next_kill_) missed_kills_.push_back(kills_[next_kill_].worker);
  settle();
}

bool LoadDriver::finished() const {
  const bool kill_to_come = next_kill_ != kills_.size() && next_kill() <= clock_.now() + kLongestIdle;
  return next_arrival_ == arrivals_.size() && outstanding_ == 0 && later_.empty() && follow_ups_.empty() &&
         !kill_to_come;
}

void LoadDriver::issue_due(Nanos now) {
  for (int sends = 0; sends < kSendsInARow && next_arrival_ < arrivals_.size(); ++sends) {
    const auto request = static_cast<std::uint32_t>(next_arrival_);
    const Nanos intended = began_ + arrivals_[next_arrival_].at;
    if (intended > now) break;
    records_[request].intended = intended;
    const std::uint32_t planned = plan_.of_arrival[next_arrival_];
    issue(request, planned != kNoConnection ? planned : take_pooled(arrivals_[next_arrival_].load));
    ++next_arrival_;
  }
  while (!later_.empty() && later_.top().at <= now) {
    const Due due = later_.top();
    later_.pop();
    issue_closed(due.what, due.at);
  }
  while (!follow_ups_.empty() && follow_ups_.top().at <= now) {
    const Due due = follow_ups_.top();
    follow_ups_.pop();
    issue_follow_up(due.what, due.at);
  }
  while (!pieces_.empty() && pieces_.top().at <= now) {
    const std::uint32_t connection = pieces_.top().what;
    pieces_.pop();
    if (connections_[connection].phase == Phase::pausing) transmit(connection);
  }
}

void LoadDriver::issue_closed(std::uint32_t connection, Nanos intended) {
  const std::uint32_t load = connections_[connection].load;
  LoadState& state = loads_[load];
  if (state.to_issue == 0 || gave_up_) return;
  const Nanos last_answer = std::max(last_answer_, began_ + case_.loads[load].from);
  if (intended - last_answer >= setup_.request_deadline) {
    gave_up_ = true;
    return;
  }
  --state.to_issue;
  const std::uint32_t request = take_planned(load);
  records_[request].intended = intended;
  issue(request, connection);
}

void LoadDriver::issue(std::uint32_t request, std::uint32_t index) {
  Connection& connection = connections_[index];
  connection_of_[request] = index;
  const Nanos body_over = records_[request].parent == 0 ? case_.loads[connection.load].body_over : 0;
  deadlines_.push({records_[request].intended + setup_.request_deadline + body_over, request});
  ++outstanding_;
  connection.request = request;
  connection.offset = 0;
  connection.reopened = false;
  connection.was_idle = false;
  if (connection.phase == Phase::idle) {
    if (closed_by_now(index)) return reopen(index);
    transmit(index);
  } else if (connection.phase == Phase::closed) {
    start_open(index);
  }
}

std::uint32_t LoadDriver::take_pooled(std::uint32_t load) {
  LoadState& state = loads_[load];
  const std::uint32_t index = state.first_idle;
  if (index != kNoConnection) {
    state.first_idle = connections_[index].next_idle;
    if (state.first_idle == kNoConnection) state.last_idle = kNoConnection;
    return index;
  }
  connections_.emplace_back().load = load;
  return static_cast<std::uint32_t>(connections_.size() - 1);
}

void LoadDriver::make_idle(std::uint32_t index) {
  LoadState& state = loads_[connections_[index].load];
  connections_[index].next_idle = kNoConnection;
  if (state.last_idle == kNoConnection) {
    state.first_idle = index;
  } else {
    connections_[state.last_idle].next_idle = index;
  }
  state.last_idle = index;
}

void LoadDriver::expire(Nanos now) {
  while (!hang_ups_.empty() && hang_ups_.top().at <= now) {
    const std::uint32_t request = hang_ups_.top().what;
    hang_ups_.pop();
    const std::uint32_t connection = connection_of_[request];
    if (connections_[connection].request == request) fail(connection, Outcome::hung_up);
  }
  while (!deadlines_.empty()) {
    const Due due = deadlines_.top();
    const bool under_way = connections_[connection_of_[due.what]].request == due.what;
    if (under_way && due.at > now) return;
    deadlines_.pop();
    if (under_way) fail(connection_of_[due.what], Outcome::timeout);
  }
}

Nanos LoadDriver::next_send() const {
  Nanos next = later_.empty() ? kNever : later_.top().at;
  if (!follow_ups_.empty()) next = std::min(next, follow_ups_.top().at);
  if (next_arrival_ < arrivals_.size()) next = std::min(next, began_ + arrivals_[next_arrival_].at);
  return next;
}

Nanos LoadDriver::wait_until(Nanos now) const {
  const Nanos send = next_send();
  if (send <= now + kSpinLead) return 0;
  Nanos until = send == kNever ? kNever : send - kSpinLead;
  if (!hang_ups_.empty()) until = std::min(until, hang_ups_.top().at);
  if (!pieces_.empty()) until = std::min(until, pieces_.top().at);
  until = std::min(until, next_kill());
  if (!deadlines_.empty()) until = std::min(until, deadlines_.top().at);
  if (setup_.housekeeping) until = std::min(until, last_housekeeping_ + kHousekeepingPeriod);
  return until;
}

void LoadDriver::keep_house(Nanos now) {
  if (!setup_.housekeeping || now - last_housekeeping_ < kHousekeepingPeriod) return;
  const bool send_is_near = next_send() - now < kHousekeepingRoom;
  if (send_is_near && now - last_housekeeping_ < kHousekeepingPatience) return;
  setup_.housekeeping(next_send() - now);
  last_housekeeping_ = clock_.now();
}

void LoadDriver::settle() {
  for (const Connection& connection : connections_) {
    if (connection.request == kNoRequest) continue;
    RequestRecord& record = records_[connection.request];
    record.outcome = record.sent != 0 ? Outcome::unfinished : Outcome::unsent;
  }
  for (; next_arrival_ < arrivals_.size(); ++next_arrival_) {
    records_[next_arrival_].intended = began_ + arrivals_[next_arrival_].at;
  }
  for (std::uint32_t load = 0; load < loads_.size(); ++load) {
    for (; loads_[load].to_issue > 0; --loads_[load].to_issue) take_planned(load);
  }
}

}  // namespace lab
