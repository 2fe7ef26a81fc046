#include "harness/client/load_driver.hpp"

#include <algorithm>

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

}  // namespace

LoadDriver::LoadDriver(const Case& load_case, const LoadTarget& target, const DriverSetup& setup,
                       Clock& clock, Transport& transport)
    : LoadLoop({.retry_within = kSaysSo}, setup.request_deadline, clock, transport, 0),
      case_(load_case),
      target_(target),
      setup_(setup),
      transport_(transport),
      arrivals_(schedule(load_case, setup.seed)),
      kills_(load_case.kills) {
  std::size_t planned = arrivals_.size();
  for (const Load& load : case_.loads) {
    const auto text_of = [&](std::size_t route, std::int64_t body_bytes) {
      return RequestText(target_.routes[route], target_.host, target_.port, setup_.identify, body_bytes);
    };
    LoadState& state =
        loads_.emplace_back(LoadState{.text = text_of(load.route, load.body_bytes), .follow_text = {}});
    if (load.then) state.follow_text = text_of(load.then->route, 0);
    if (load.client_process) state.kind = ConnectionKind::client_process;
    if (target_.routes[load.route].method == "WS") state.kind = ConnectionKind::websocket;
    if (load.arrivals == Arrivals::closed)
      state.to_issue = std::max<std::int64_t>(0, load.requests - load.clients);
    planned += static_cast<std::size_t>(state.to_issue);
  }
  std::ranges::stable_sort(kills_, {}, &Kill::at);
  records_.resize(planned);
  ports_.resize(planned, 0);
  connection_of_.reserve(arrivals_.size());
  std::vector<std::int64_t> pooled(loads_.size(), 0);
  for (const Arrival& arrival : arrivals_) {
    const Load& load = case_.loads[arrival.load];
    take_planned(arrival.load);
    const bool is_own = !is_timed(load.arrivals);
    // With `close_after_reply` no pool of open connections waits for its requests.
    const bool is_fresh = load.fresh_connections || (setup_.close_after_reply && !is_own);
    std::uint32_t connection = kNone;
    if (is_own || (!is_fresh && pooled[arrival.load]++ < kPoolStart)) {
      connection = add_connection(arrival.load);
      slots_[connection].preopened = !is_fresh;
      to_open_ += is_fresh ? 0 : 1;
      if (!is_own) make_idle(connection);
    }
    connection_of_.push_back(is_own ? connection : kNone);
  }
  deadlines_.reserve(slots_.size());
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

std::uint32_t LoadDriver::add_connection(std::uint32_t load) {
  slots_.emplace_back().load = load;
  connections_.grow(slots_.size());
  return static_cast<std::uint32_t>(slots_.size() - 1);
}

bool LoadDriver::open_connections(std::size_t count, Nanos until) {
  const std::uint32_t first = next_open_;
  for (; count > 0 && to_open_ > 0; ++next_open_) {
    if (!slots_[next_open_].preopened) continue;
    connections_.open(next_open_);
    --count;
    --to_open_;
  }
  connections_.await_open(until);
  for (std::uint32_t connection = first; connection < next_open_; ++connection) {
    if (connections_.at(connection).phase == Connections::Phase::idle)
      opened_ports_.push_back(slots_[connection].port);
  }
  return to_open_ > 0;
}

void LoadDriver::run(Nanos began) {
  last_housekeeping_ = clock_.now();
  run_from(began);
  for (; next_kill_ < kills_.size(); ++next_kill_) missed_kills_.push_back(kills_[next_kill_].worker);
  settle();
}

bool LoadDriver::has_more() const {
  const bool kill_to_come = next_kill_ != kills_.size() && next_kill() <= clock_.now() + kLongestIdle;
  return next_arrival_ != arrivals_.size() || !follow_ups_.empty() || kill_to_come;
}

void LoadDriver::issue_due(Nanos now) {
  kill_due(now);
  for (int sends = 0; sends < kSendsInARow && next_arrival_ < arrivals_.size(); ++sends) {
    const Nanos intended = began_ + arrivals_[next_arrival_].at;
    if (intended > now) break;
    const std::uint32_t own = connection_of_[next_arrival_];
    issue(static_cast<std::uint32_t>(next_arrival_),
          own != kNone ? own : take_idle(arrivals_[next_arrival_].load), intended);
    ++next_arrival_;
  }
  while (follow_ups_.is_due(now)) {
    const Due due = follow_ups_.take();
    issue_follow_up(due.what, due.at);
  }
  while (pieces_.is_due(now)) connections_.resume(pieces_.take().what);
  while (hang_ups_.next() <= now) {
    const std::uint32_t connection = hang_ups_.first();
    connections_.close(connection);
    fail(connection, Outcome::hung_up);
  }
}

void LoadDriver::go_on(std::uint32_t connection, Nanos intended) {
  const std::uint32_t load = slots_[connection].load;
  LoadState& state = loads_[load];
  if (state.to_issue == 0 || gives_up(intended, std::max(last_answer_, began_ + case_.loads[load].from)))
    return;
  --state.to_issue;
  issue(take_planned(load), connection, intended);
}

void LoadDriver::issue(std::uint32_t request, std::uint32_t index, Nanos intended) {
  RequestRecord& record = records_[request];
  const Nanos body_over = record.parent == 0 ? case_.loads[slots_[index].load].body_over : 0;
  record.intended = intended;
  slots_[index].request = request;
  begin_until(intended + setup_.request_deadline + body_over, index, clock_.now());
}

std::uint32_t LoadDriver::take_idle(std::uint32_t load) {
  const std::uint32_t index = loads_[load].idle.take();
  return index != kNone ? index : add_connection(load);
}

Nanos LoadDriver::next_due() const {
  const Nanos next = follow_ups_.next();
  return next_arrival_ < arrivals_.size() ? std::min(next, began_ + arrivals_[next_arrival_].at) : next;
}

Nanos LoadDriver::next_other() const {
  const Nanos until = std::min({hang_ups_.next(), pieces_.next(), next_kill()});
  return setup_.housekeeping ? std::min(until, last_housekeeping_ + kHousekeepingPeriod) : until;
}

void LoadDriver::look_after(Nanos now) {
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

// What its connections ask and report.

OutgoingRequest LoadDriver::request_on(std::uint32_t index) {
  const ClientSlot& slot = slots_[index];
  const RequestRecord& record = records_[slot.request];
  const Load& load = case_.loads[slot.load];
  LoadState& state = loads_[slot.load];
  OutgoingRequest request{.to_head = state.text.is_head(),
                          .keep_body = !load.keep.empty(),
                          .keep_stamps = target_.stamped,
                          .idempotent = is_idempotent(target_.routes[record.route].method)};
  if (record.parent != 0) {
    request.head = state.follow_text->with_id(record.id, slot.value);
    return request;
  }
  request.body_bytes = load.body_bytes;
  request.head = state.text.with_id(record.id);
  if (state.kind == ConnectionKind::websocket) {
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

WebSocketHandshake LoadDriver::handshake_of(std::uint32_t index) {
  const Route& route = target_.routes[case_.loads[slots_[index].load].route];
  const std::string key = websocket_key(setup_.seed + index + 1);
  return {key, websocket_handshake(route, target_.host, target_.port, key)};
}

void LoadDriver::on_sent(std::uint32_t index, bool begins, std::int64_t /*bytes*/) {
  if (!begins) return;
  const ClientSlot& slot = slots_[index];
  RequestRecord& record = records_[slot.request];
  const Load& load = case_.loads[slot.load];
  ports_[slot.request] = slot.port;
  record.sent = connections_.at(index).sent;
  if (load.hang_up > 0 && record.parent == 0) hang_ups_.put(index, record.sent + load.hang_up);
}

void LoadDriver::on_received(std::uint32_t index, Nanos now, std::int64_t /*bytes*/) {
  RequestRecord& record = records_[slots_[index].request];
  if (record.first_byte == 0) record.first_byte = now;
}

void LoadDriver::on_reply(std::uint32_t index, const IncomingReply& reply) {
  if (reply.extra) return fail(index, Outcome::extra);
  ClientSlot& slot = slots_[index];
  const std::uint32_t request = slot.request;
  RequestRecord& record = records_[request];
  if (reply.stamps != nullptr) stamps_.add(record.id, *reply.stamps);
  record.received = last_answer_ = reply.at;
  record.status = static_cast<std::uint16_t>(reply.status);
  record.outcome = reply.status >= 200 && reply.status <= 399 ? Outcome::ok : Outcome::bad_status;
  slot.failures = 0;
  const Load& load = case_.loads[slot.load];
  const bool reuse = load.arrivals == Arrivals::closed || !setup_.close_after_reply;
  if (!reuse || load.fresh_connections) connections_.close(index);
  release(index);
  if (record.parent != 0) {
    const auto state = json_string(reply.body, "status");
    const bool over = state && (*state == load.then->until || *state == "lost");
    return over ? end_questions(index) : ask_again(index, reply.at);
  }
  const bool asks = begin_questions(index, request, reply);  // may move the slots and their connections
  if (!asks && is_timed(load.arrivals)) make_idle(index);
  if (load.arrivals == Arrivals::closed) go_on(index, reply.at);
}

void LoadDriver::fail(std::uint32_t index, Outcome outcome) {
  ClientSlot& slot = slots_[index];
  RequestRecord& record = records_[slot.request];
  const Nanos now = clock_.now();
  record.received = now;
  record.outcome = outcome;
  if (outcome == Outcome::hung_up) last_answer_ = now;
  release(index);
  if (record.parent != 0) return ask_again(index, now);
  if (is_timed(case_.loads[slot.load].arrivals)) make_idle(index);
  if (loads_[slot.load].to_issue == 0) return;
  const bool pauses = outcome != Outcome::timeout && outcome != Outcome::hung_up;
  go_on_later(index, now, pauses ? &slot.failures : nullptr);
}

void LoadDriver::release(std::uint32_t index) {
  slots_[index].request = kNoRequest;
  hang_ups_.remove(index);
  ended(index);
}

// What follows a reply: questions about it, and what the case does to the server meanwhile.

/// Whether the reply leads to questions on this connection; a closed load's client goes on with its own
/// requests, so its questions take a connection of their own.
bool LoadDriver::begin_questions(std::uint32_t index, std::uint32_t request, const IncomingReply& reply) {
  const std::uint32_t load_index = slots_[index].load;
  const Load& load = case_.loads[load_index];
  if (load.keep.empty()) return false;
  const auto value = json_number(reply.body, load.keep);
  if (!value) return false;
  records_[request].value = *value;
  if (!load.then) return false;
  const bool apart = load.arrivals == Arrivals::closed;
  const std::uint32_t asking = apart ? take_idle(load_index) : index;
  slots_[asking].first = request;
  slots_[asking].value = *value;
  slots_[asking].ask_until = reply.at + load.then->at_most;
  follow_ups_.push({reply.at + load.then->every, asking});
  return !apart;
}

void LoadDriver::ask_again(std::uint32_t index, Nanos now) {
  const Nanos next = now + case_.loads[slots_[index].load].then->every;
  if (next > slots_[index].ask_until) return end_questions(index);
  follow_ups_.push({next, index});
}

void LoadDriver::end_questions(std::uint32_t index) {
  const Load& load = case_.loads[slots_[index].load];
  if (load.arrivals == Arrivals::closed) connections_.close(index);
  if (load.arrivals == Arrivals::closed || is_timed(load.arrivals)) make_idle(index);
}

void LoadDriver::issue_follow_up(std::uint32_t index, Nanos intended) {
  if (gave_up_) return end_questions(index);
  const auto request = static_cast<std::uint32_t>(records_.size());
  RequestRecord& record = records_.emplace_back();
  ports_.push_back(0);
  record.id = request + 1;
  record.load = slots_[index].load;
  record.parent = records_[slots_[index].first].id;
  record.route = static_cast<std::uint32_t>(case_.loads[record.load].then->route);
  issue(request, index, intended);
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
