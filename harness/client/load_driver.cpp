#include "harness/client/load_driver.hpp"

#include <algorithm>

#include "harness/trace/reply_json.hpp"

namespace lab {

namespace {

// When nobody asks any more, a kill is waited for no longer than that.
constexpr Nanos kLongestIdle = 10 * kSecond;

// Housekeeping takes a while, so it stays away from sends; but not for ever, or the event ring overflows.
constexpr Nanos kHousekeepingPeriod = 10 * kMillisecond;
constexpr Nanos kHousekeepingRoom = 400 * kMicrosecond;
constexpr Nanos kHousekeepingPatience = 50 * kMillisecond;

// A worker that died just now is there again within a few milliseconds.
constexpr Nanos kBetweenKills = 5 * kMillisecond;
constexpr Nanos kKillPatience = 500 * kMillisecond;

constexpr Nanos kPiece = 10 * kMillisecond;
constexpr Nanos kRoomSoon = 100 * kMicrosecond;  // where the socket takes more of a long body at once
constexpr std::int64_t kFillerSize = 65'536;
const std::string kFiller(kFillerSize, 'x');

// A connection that was closed while idle says so at once when something is sent on it.
constexpr Nanos kSaysSo = 5 * kMillisecond;

std::size_t planned_requests(const Case& load_case, const std::vector<Arrival>& arrivals) {
  std::size_t planned = arrivals.size();
  for (const Load& load : load_case.loads) {
    if (load.arrivals == Arrivals::closed && load.requests > load.clients) {
      planned += static_cast<std::size_t>(load.requests - load.clients);
    }
  }
  return planned;
}

}  // namespace

LoadDriver::LoadDriver(const Case& load_case, const LoadTarget& target, const DriverSetup& setup,
                       Clock& clock, Transport& transport)
    : case_(load_case),
      setup_(setup),
      clock_(clock),
      transport_(transport),
      arrivals_(schedule(load_case, setup.seed)),
      plan_(plan_connections(load_case, arrivals_)),
      host_(target.host),
      port_(target.port),
      routes_(target.routes),
      stamped_(target.stamped),
      slots_(plan_.connections.size()),
      connections_(*this, {.retry_within = kSaysSo}, clock, transport, slots_.size()),
      kills_(load_case.kills),
      planned_(planned_requests(load_case, arrivals_)) {
  for (const Load& load : load_case.loads) {
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
  for (std::uint32_t connection = 0; connection < slots_.size(); ++connection) {
    const std::uint32_t load = plan_.connections[connection].load;
    slots_[connection].load = load;
    if (is_pooled(load_case.loads[load])) make_idle(connection);
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
  for (; count > 0 && next_open_ < slots_.size(); ++next_open_) {
    if (!plan_.connections[next_open_].preopened) continue;
    connections_.open(static_cast<std::uint32_t>(next_open_));
    --count;
  }
  connections_.await_open(until);
  for (std::uint32_t connection = first; connection < next_open_; ++connection) {
    if (connections_.at(connection).phase == Connections::Phase::idle)
      opened_ports_.push_back(slots_[connection].port);
  }
  return std::any_of(plan_.connections.begin() + static_cast<std::ptrdiff_t>(next_open_),
                     plan_.connections.end(),
                     [](const ConnectionPlan::Connection& planned) { return planned.preopened; });
}

void LoadDriver::run(Nanos began) {
  began_ = began;
  last_answer_ = began;
  last_housekeeping_ = clock_.now();
  while (!interrupted() && !finished()) {
    connections_.look(wait_until(clock_.now()));
    if (interrupted()) break;
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
  while (later_.is_due(now)) {
    const Due due = later_.take();
    issue_closed(due.what, due.at);
  }
  while (follow_ups_.is_due(now)) {
    const Due due = follow_ups_.take();
    issue_follow_up(due.what, due.at);
  }
  while (pieces_.is_due(now)) connections_.resume(pieces_.take().what);
}

void LoadDriver::issue_closed(std::uint32_t connection, Nanos intended) {
  const std::uint32_t load = slots_[connection].load;
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
  connection_of_[request] = index;
  const Nanos body_over = records_[request].parent == 0 ? case_.loads[slots_[index].load].body_over : 0;
  deadlines_.push({records_[request].intended + setup_.request_deadline + body_over, request});
  ++outstanding_;
  slots_[index].request = request;
  connections_.begin(index, clock_.now());
}

std::uint32_t LoadDriver::take_pooled(std::uint32_t load) {
  const std::uint32_t index = loads_[load].idle.take();
  return index != IdleQueue::kNone ? index : add_connection(load);
}

std::uint32_t LoadDriver::add_connection(std::uint32_t load) {
  slots_.emplace_back().load = load;
  connections_.grow(slots_.size());
  return static_cast<std::uint32_t>(slots_.size() - 1);
}

void LoadDriver::expire(Nanos now) {
  while (hang_ups_.is_due(now)) {
    const std::uint32_t request = hang_ups_.take().what;
    const std::uint32_t connection = connection_of_[request];
    if (slots_[connection].request == request) end(connection, Outcome::hung_up);
  }
  while (!deadlines_.empty()) {
    const Due due = deadlines_.top();
    const std::uint32_t connection = connection_of_[due.what];
    const bool under_way = slots_[connection].request == due.what;
    if (under_way && due.at > now) return;
    deadlines_.pop();
    if (under_way) end(connection, Outcome::timeout);
  }
}

Nanos LoadDriver::next_send() const {
  const Nanos next = std::min(later_.next(), follow_ups_.next());
  return next_arrival_ < arrivals_.size() ? std::min(next, began_ + arrivals_[next_arrival_].at) : next;
}

Nanos LoadDriver::wait_until(Nanos now) const {
  Nanos until = std::min({hang_ups_.next(), pieces_.next(), next_kill(), deadlines_.next()});
  if (setup_.housekeeping) until = std::min(until, last_housekeeping_ + kHousekeepingPeriod);
  return wake_up(next_send(), until, now);
}

void LoadDriver::keep_house(Nanos now) {
  if (!setup_.housekeeping || now - last_housekeeping_ < kHousekeepingPeriod) return;
  const bool send_is_near = next_send() - now < kHousekeepingRoom;
  if (send_is_near && now - last_housekeeping_ < kHousekeepingPatience) return;
  setup_.housekeeping(next_send() - now);
  last_housekeeping_ = clock_.now();
}

void LoadDriver::settle() {
  for (const ClientSlot& slot : slots_) {
    if (slot.request == kNoRequest) continue;
    RequestRecord& record = records_[slot.request];
    record.outcome = record.sent != 0 ? Outcome::unfinished : Outcome::unsent;
  }
  for (; next_arrival_ < arrivals_.size(); ++next_arrival_) {
    records_[next_arrival_].intended = began_ + arrivals_[next_arrival_].at;
  }
  for (std::uint32_t load = 0; load < loads_.size(); ++load) {
    for (; loads_[load].to_issue > 0; --loads_[load].to_issue) take_planned(load);
  }
}

// What its connections ask and tell.

OutgoingRequest LoadDriver::request_on(std::uint32_t index) {
  const ClientSlot& slot = slots_[index];
  const RequestRecord& record = records_[slot.request];
  const Load& load = case_.loads[slot.load];
  const std::string& method = routes_[record.route].method;
  LoadState& state = loads_[slot.load];
  OutgoingRequest request{
      .to_head = state.text.is_head(), .keep_body = !load.keep.empty(), .keep_stamps = stamped_};
  request.idempotent =
      method == "GET" || method == "HEAD" || method == "PUT" || method == "DELETE" || method == "OPTIONS";
  if (record.parent != 0) {
    request.head = state.follow_text->with_id(record.id, chain_of(index).value);
    return request;
  }
  request.body_bytes = load.body_bytes;
  request.head = state.text.with_id(record.id);
  if (state.websocket) {
    frame_ = websocket_frame(WebSocketOp::text, std::to_string(record.id), record.id * 2654435761U);
    request.head = frame_;
  }
  return request;
}

/// How much of its body is to be sent by now: pieces at even times, the last one when `body_over` has passed.
std::int64_t LoadDriver::body_due(std::uint32_t index) const {
  const Load& load = case_.loads[slots_[index].load];
  const Nanos passed = clock_.now() - connections_.at(index).sent;
  if (load.body_over <= 0 || passed >= load.body_over) return load.body_bytes;
  const Nanos pieces = (load.body_over + kPiece - 1) / kPiece;
  const Nanos sent = passed * pieces / load.body_over;
  return static_cast<std::int64_t>(static_cast<double>(load.body_bytes) * static_cast<double>(sent) /
                                   static_cast<double>(pieces));
}

std::string_view LoadDriver::body_piece(std::uint32_t index, std::int64_t offset) {
  const std::int64_t due = std::clamp<std::int64_t>(body_due(index) - offset, 0, kFillerSize);
  return std::string_view(kFiller).substr(0, static_cast<std::size_t>(due));
}

void LoadDriver::on_pause(std::uint32_t index, std::int64_t body_sent) {
  const Load& load = case_.loads[slots_[index].load];
  const bool ahead = body_sent >= body_due(index);
  const Nanos pieces = std::max<Nanos>(1, (load.body_over + kPiece - 1) / kPiece);
  const Nanos period = std::max<Nanos>(1, load.body_over / pieces);
  const Nanos sent = connections_.at(index).sent;
  const Nanos now = clock_.now();
  const Nanos next = sent + ((now - sent) / period + 1) * period;
  pieces_.push({ahead ? std::min(next, sent + load.body_over) : now + kRoomSoon, index});
}

ConnectionKind LoadDriver::kind_of(std::uint32_t index) {
  const std::uint32_t load = slots_[index].load;
  if (loads_[load].websocket) return ConnectionKind::websocket;
  return case_.loads[load].client_process ? ConnectionKind::client_process : ConnectionKind::plain;
}

WebSocketHandshake LoadDriver::handshake_of(std::uint32_t index) {
  const Route& route = routes_[case_.loads[slots_[index].load].route];
  const std::string key = websocket_key(setup_.seed + index + 1);
  return {key, websocket_handshake(route, host_, port_, key)};
}

void LoadDriver::on_opened(std::uint32_t index) {
  slots_[index].port = transport_.local_port(index);
}

void LoadDriver::on_sent(std::uint32_t index, bool begins, std::int64_t /*bytes*/) {
  if (!begins) return;
  const ClientSlot& slot = slots_[index];
  RequestRecord& record = records_[slot.request];
  const Load& load = case_.loads[slot.load];
  ports_[slot.request] = slot.port;
  record.sent = connections_.at(index).sent;
  if (load.hang_up > 0 && record.parent == 0) hang_ups_.push({record.sent + load.hang_up, slot.request});
}

void LoadDriver::on_received(std::uint32_t index, Nanos now, std::int64_t /*bytes*/) {
  RequestRecord& record = records_[slots_[index].request];
  if (record.first_byte == 0) record.first_byte = now;
}

void LoadDriver::on_reply(std::uint32_t index, const IncomingReply& reply) {
  if (reply.extra) return fail(index, Outcome::extra);
  ClientSlot& slot = slots_[index];
  RequestRecord& record = records_[slot.request];
  if (reply.stamps != nullptr) stamps_.add(record.id, *reply.stamps);
  record.received = last_answer_ = reply.at;
  record.status = static_cast<std::uint16_t>(reply.status);
  record.outcome = reply.status >= 200 && reply.status <= 399 ? Outcome::ok : Outcome::bad_status;
  slot.failures = 0;
  const Load& load = case_.loads[slot.load];
  const bool reuse = load.arrivals == Arrivals::closed || !setup_.close_after_reply;
  if (!reuse || load.fresh_connections) connections_.close(index);
  if (record.parent != 0) {
    slot.request = kNoRequest;
    --outstanding_;
    const auto state = json_string(reply.body, "status");
    const bool over = state && (*state == load.then->until || *state == "lost");
    return over ? end_chain(index) : continue_chain(index, reply.at);
  }
  const bool asks = begin_chain(index, reply.at, reply.body);  // may move the connections
  release(index, asks);
  if (load.arrivals == Arrivals::closed) issue_closed(index, reply.at);
}

void LoadDriver::on_failure(std::uint32_t index, LoadError error) {
  fail(index, outcome_of(error));
}

/// Where this side ends it.
void LoadDriver::end(std::uint32_t index, Outcome outcome) {
  connections_.close(index);
  fail(index, outcome);
}

void LoadDriver::fail(std::uint32_t index, Outcome outcome) {
  ClientSlot& slot = slots_[index];
  RequestRecord& record = records_[slot.request];
  const Nanos now = clock_.now();
  record.received = now;
  record.outcome = outcome;
  if (outcome == Outcome::hung_up) last_answer_ = now;
  if (record.parent != 0) {
    slot.request = kNoRequest;
    --outstanding_;
    return continue_chain(index, now);
  }
  release(index, false);
  if (loads_[slot.load].to_issue == 0) return;
  // A server that refuses or resets answers at once; without a pause a closed load would be over before it is
  // back.
  const bool pauses = outcome != Outcome::timeout && outcome != Outcome::hung_up;
  later_.push({now + (pauses ? back_off(slot.failures) : 0), index});
}

/// `asks`: the connection goes on with questions about the reply.
void LoadDriver::release(std::uint32_t index, bool asks) {
  ClientSlot& slot = slots_[index];
  slot.request = kNoRequest;
  --outstanding_;
  if (!asks && is_pooled(case_.loads[slot.load])) make_idle(index);
}

// What follows a reply: questions about it, and what the case does to the server meanwhile.

LoadDriver::Chain& LoadDriver::chain_of(std::uint32_t connection) {
  if (connection >= chains_.size()) chains_.resize(std::max<std::size_t>(connection + 1, slots_.size()));
  return chains_[connection];
}

/// Whether the reply leads to questions, asked on this connection; a closed load's client goes on with its
/// own requests, so its questions take a connection of their own.
bool LoadDriver::begin_chain(std::uint32_t index, Nanos now, std::string_view body) {
  const std::uint32_t load_index = slots_[index].load;
  const Load& load = case_.loads[load_index];
  const std::uint32_t request = slots_[index].request;
  if (load.keep.empty()) return false;
  const auto value = json_number(body, load.keep);
  if (!value) return false;
  records_[request].value = *value;
  if (!load.then) return false;
  const bool apart = load.arrivals == Arrivals::closed;
  const std::uint32_t asking = apart ? take_spare(load_index) : index;
  chain_of(asking) = {request, *value, now + load.then->at_most};
  follow_ups_.push({now + load.then->every, asking});
  return !apart;
}

void LoadDriver::continue_chain(std::uint32_t index, Nanos now) {
  const Then& then = *case_.loads[slots_[index].load].then;
  const Nanos next = now + then.every;
  if (next > chain_of(index).until) return end_chain(index);
  follow_ups_.push({next, index});
}

void LoadDriver::end_chain(std::uint32_t index) {
  chain_of(index).first = kNoRequest;
  const ClientSlot& slot = slots_[index];
  if (slot.spare) {
    connections_.close(index);
    spares_.push_back(index);
  } else if (is_pooled(case_.loads[slot.load])) {
    make_idle(index);
  }
}

void LoadDriver::issue_follow_up(std::uint32_t index, Nanos intended) {
  if (gave_up_) return end_chain(index);
  const std::uint32_t request = append_record();
  RequestRecord& record = records_[request];
  const RequestRecord& first = records_[chain_of(index).first];
  record.load = first.load;
  record.parent = first.id;
  record.route = static_cast<std::uint32_t>(case_.loads[first.load].then->route);
  record.intended = intended;
  issue(request, index);
}

std::uint32_t LoadDriver::take_spare(std::uint32_t load) {
  const auto free = std::find_if(spares_.begin(), spares_.end(),
                                 [&](std::uint32_t spare) { return slots_[spare].load == load; });
  if (free != spares_.end()) {
    const std::uint32_t index = *free;
    spares_.erase(free);
    return index;
  }
  const std::uint32_t index = add_connection(load);
  slots_[index].spare = true;
  return index;
}

Nanos LoadDriver::next_kill() const {
  if (next_kill_ == kills_.size()) return kNever;
  return retry_kill_ != 0 ? retry_kill_ : began_ + kills_[next_kill_].at;
}

void LoadDriver::kill_due(Nanos now) {
  while (next_kill_ < kills_.size() && next_kill() <= now) {
    const Kill& kill = kills_[next_kill_];
    const bool killed = setup_.kill && setup_.kill(kill.worker);
    if (!killed && setup_.kill && now < began_ + kill.at + kKillPatience) {
      retry_kill_ = now + kBetweenKills;
      return;
    }
    if (killed) {
      killed_.push_back({kill.worker, clock_.now() - began_});
    } else {
      missed_kills_.push_back(kill.worker);
    }
    retry_kill_ = 0;
    ++next_kill_;
  }
}

}  // namespace lab
