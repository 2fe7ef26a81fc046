#include "harness/diagnosis/socket_subject.hpp"

#include <algorithm>
#include <cerrno>
#include <numeric>
#include <span>
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

Outcome outcome_of(int error) {
  switch (error) {
    case ECONNREFUSED: return Outcome::refused;
    case EMFILE:
    case ENFILE:
    case EADDRNOTAVAIL: return Outcome::harness_fault;
    case ETIMEDOUT: return Outcome::timeout;
    default: return Outcome::reset;
  }
}

}  // namespace

SocketSubject::SocketSubject(ExaminedRequests requests, Clock& clock, Transport& transport,
                             std::function<std::optional<Nanos>()> cpu_time)
    : requests_(std::move(requests)), clock_(clock), transport_(transport), cpu_time_(std::move(cpu_time)) {}

void SocketSubject::open(std::uint32_t connection) {
  while (connection >= connections_.size()) connections_.push_back(std::make_unique<Connection>());
  Connection& at = *connections_[connection];
  at.error = transport_.open(connection);
  if (at.error != 0) return;
  at.phase = Phase::opening;
  ++opening_;
}

/// Those that are to be there at time zero, a few at a time so that no backlog overflows.
void SocketSubject::open_first(const std::vector<Shot>& shots) {
  const Nanos until = clock_.now() + kOpenPatience;
  std::size_t opened = 0;
  for (const Shot& shot : shots) {
    const bool is_open =
        shot.connection < connections_.size() && connections_[shot.connection]->phase == Phase::open;
    if (!shot.opened_before || is_open) continue;
    open(shot.connection);
    if (++opened % kOpenAtOnce != 0) continue;
    while (opening_ > 0 && clock_.now() < until && !interrupted()) handle(until);
    rest(kPause);
  }
  while (opening_ > 0 && clock_.now() < until && !interrupted()) handle(until);
  if (opened > 0) rest(kSettle + static_cast<Nanos>(opened) * kSettleEach);
}

void SocketSubject::rest(Nanos span) {
  const Nanos until = clock_.now() + span;
  while (clock_.now() < until && !interrupted()) handle(until);
}

std::vector<Reply> SocketSubject::fire(const std::vector<Shot>& shots, Nanos patience) {
  shots_ = &shots;
  replies_.assign(shots.size(), {});
  under_way_ = 0;
  open_first(shots);
  std::vector<std::size_t> order(shots.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return shots[a].at < shots[b].at; });
  began_ = clock_.now();
  const Nanos end = began_ + patience;
  std::size_t next = 0;
  for (;;) {
    const Nanos now = clock_.now();
    while (next < order.size() && began_ + shots[order[next]].at <= now) begin(order[next++]);
    if ((next == order.size() && under_way_ == 0) || now >= end || interrupted()) break;
    handle(next < order.size() ? std::min(end, began_ + shots[order[next]].at) : end);
  }
  for (std::uint32_t connection = 0; connection < connections_.size(); ++connection) {
    if (connections_[connection]->shot == kNoShot) continue;
    end_shot(connection, interrupted() ? Outcome::unfinished : Outcome::timeout);
  }
  shots_ = nullptr;
  return std::exchange(replies_, {});
}

void SocketSubject::begin(std::size_t shot) {
  const Shot& fired = (*shots_)[shot];
  if (fired.connection >= connections_.size() || connections_[fired.connection]->phase == Phase::closed) {
    if (!fired.opened_before) open(fired.connection);
  }
  Connection& connection = *connections_[fired.connection];
  replies_[shot].sent = clock_.now() - began_;
  replies_[shot].late = fired.opened_before && connection.phase == Phase::opening;
  connection.shot = shot;
  connection.bytes_sent = 0;
  connection.parser.start(fired.ping ? requests_.ping_to_head : requests_.slow_to_head);
  ++under_way_;
  if (connection.phase == Phase::closed) {
    end_shot(fired.connection, connection.error != 0 ? outcome_of(connection.error) : Outcome::closed);
  } else if (connection.phase == Phase::open) {
    transmit(fired.connection);
  }
}

void SocketSubject::transmit(std::uint32_t connection) {
  Connection& at = *connections_[connection];
  if (at.shot == kNoShot) return;
  const std::string& text = text_of((*shots_)[at.shot]);
  while (at.bytes_sent < text.size()) {
    const ssize_t taken = transport_.send(connection, std::string_view(text).substr(at.bytes_sent));
    if (taken == -EAGAIN || taken == -EINTR) return;
    // A server may answer and close before it has read everything: the reply is still to be read.
    if (taken < 0) return;
    at.bytes_sent += static_cast<std::size_t>(taken);
  }
}

void SocketSubject::handle(Nanos until) {
  for (const Readiness& news : transport_.wait(until)) {
    if (news.connection >= connections_.size()) continue;
    Connection& at = *connections_[news.connection];
    if (at.phase == Phase::opening && news.writable) on_opened(news.connection);
    if (at.phase != Phase::open) continue;
    if (news.writable && !news.ended) transmit(news.connection);
    if (news.readable || news.ended) on_readable(news.connection);
  }
}

void SocketSubject::on_opened(std::uint32_t connection) {
  Connection& at = *connections_[connection];
  at.error = transport_.opened(connection);
  if (at.error == 0) {
    --opening_;
    at.phase = Phase::open;
    return transmit(connection);
  }
  if (at.shot != kNoShot) return end_shot(connection, outcome_of(at.error));
  close(connection);
}

void SocketSubject::on_readable(std::uint32_t connection) {
  Connection& at = *connections_[connection];
  for (;;) {
    const ssize_t size = transport_.receive(connection, buffer_);
    if (size == -EAGAIN || size == -EINTR) return;
    if (at.shot == kNoShot)
      return close(connection);  // the end of an idle connection, or bytes nobody asked for
    if (size < 0) return end_shot(connection, Outcome::reset);
    if (size == 0) {
      const bool whole = at.parser.end() == ReplyParser::State::done;
      if (!whole) return end_shot(connection, Outcome::closed);
    } else {
      at.parser.feed({buffer_.data(), static_cast<std::size_t>(size)});
      if ((*shots_)[at.shot].prompt && at.parser.state() == ReplyParser::State::reading)
        transport_.acknowledge(connection);
    }
    if (at.parser.state() == ReplyParser::State::bad) return end_shot(connection, Outcome::bad_reply);
    if (at.parser.state() == ReplyParser::State::done) {
      const bool fine = at.parser.status() >= 200 && at.parser.status() < 300;
      return end_shot(connection, fine ? Outcome::ok : Outcome::bad_status);
    }
  }
}

void SocketSubject::end_shot(std::uint32_t connection, Outcome outcome) {
  Connection& at = *connections_[connection];
  const std::size_t shot = std::exchange(at.shot, kNoShot);
  Reply& reply = replies_[shot];
  reply.received = clock_.now() - began_;
  reply.outcome = outcome;
  const bool answered = outcome == Outcome::ok || outcome == Outcome::bad_status;
  if (answered) reply.status = at.parser.status();
  reply.kept = (*shots_)[shot].keep && answered && at.parser.keep_alive();
  --under_way_;
  if (!reply.kept) close(connection);
}

void SocketSubject::close(std::uint32_t connection) {
  Connection& at = *connections_[connection];
  if (at.phase == Phase::closed) return;
  if (at.phase == Phase::opening) --opening_;
  transport_.close(connection);
  at.phase = Phase::closed;
}

void SocketSubject::hang_up() {
  for (std::uint32_t connection = 0; connection < connections_.size(); ++connection) close(connection);
}

}  // namespace lab
