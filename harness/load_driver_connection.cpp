// The life of one connection of the load driver: opening, sending, reading, and how its request ends.

#include <algorithm>
#include <cerrno>

#include "harness/load_driver.hpp"

namespace lab {

namespace {

Outcome outcome_of_broken(ssize_t error) {
  return error == -ECONNREFUSED ? Outcome::refused : Outcome::reset;
}

constexpr Nanos kFirstPause = kMillisecond;
constexpr Nanos kLongestPause = 100 * kMillisecond;

Outcome outcome_of_open(int error) {
  switch (error) {
    case EMFILE:
    case ENFILE:
    case EADDRNOTAVAIL:
    case ENOBUFS:
    case ENOMEM: return Outcome::harness_fault;
    case ECONNRESET: return Outcome::reset;
    case ETIMEDOUT: return Outcome::timeout;
    default: return Outcome::refused;
  }
}

}  // namespace

void LoadDriver::start_open(std::uint32_t index) {
  Connection& connection = connections_[index];
  const bool for_request = connection.request != kNoRequest;
  connection.reopened = for_request;
  const int error = transport_.open(index);
  if (error == 0) {
    connection.phase = Phase::opening;
  } else if (for_request) {
    fail(index, outcome_of_open(error));
  } else if (open_error_ == 0) {
    open_error_ = error;
  }
}

void LoadDriver::on_opened(std::uint32_t index) {
  Connection& connection = connections_[index];
  const bool for_request = connection.request != kNoRequest;
  const int error = transport_.opened(index);
  if (error != 0) {
    if (for_request) return fail(index, outcome_of_open(error));
    if (open_error_ == 0) open_error_ = error;
    return drop(index);
  }
  connection.port = transport_.local_port(index);
  connection.phase = Phase::idle;
  if (for_request) transmit(index);
}

void LoadDriver::transmit(std::uint32_t index) {
  Connection& connection = connections_[index];
  RequestRecord& record = records_[connection.request];
  RequestText& text = texts_[record.route];
  const std::string_view whole = text.with_id(record.id);
  if (connection.offset == 0) {
    connection.parser.start(text.is_head());
    ports_[connection.request] = connection.port;
    record.sent = clock_.now();
  }
  const ssize_t taken = transport_.send(index, whole.substr(connection.offset));
  if (taken >= 0) {
    connection.offset += static_cast<std::uint32_t>(taken);
    connection.phase = connection.offset == whole.size() ? Phase::awaiting : Phase::sending;
    return;
  }
  if (connection.offset == 0) record.sent = 0;
  if (taken == -EAGAIN || taken == -EINTR) {
    connection.phase = Phase::sending;
  } else if (connection.offset == 0 && !connection.reopened) {
    // The server closed it while it was idle and has seen nothing of this request.
    drop(index);
    start_open(index);
  } else {
    fail(index, outcome_of_broken(taken));
  }
}

void LoadDriver::handle(std::span<const Ready> ready) {
  for (const Ready& news : ready) {
    const std::uint32_t index = news.connection;
    if (news.writable) {
      if (connections_[index].phase == Phase::opening) {
        on_opened(index);
      } else if (connections_[index].phase == Phase::sending) {
        transmit(index);
      }
    }
    if (news.readable) on_readable(index, news.ended);
  }
}

void LoadDriver::on_readable(std::uint32_t index, bool ended) {
  Connection& connection = connections_[index];
  if (connection.phase == Phase::closed || connection.phase == Phase::opening) return;
  while (true) {
    const ssize_t size = transport_.receive(index, buffer_);
    if (size == -EAGAIN || size == -EINTR) return;
    // Idle: the server closed it, or says what nobody asked for. It is opened again when it is needed.
    if (connection.request == kNoRequest) return drop(index);
    if (size < 0) return fail(index, outcome_of_broken(size));
    const Nanos now = clock_.now();
    if (size == 0) {
      if (connection.parser.end() == ReplyParser::State::done) return complete(index, now, false);
      return fail(index, Outcome::closed);
    }
    RequestRecord& record = records_[connection.request];
    if (record.first_byte == 0) record.first_byte = now;
    const auto bytes = static_cast<std::size_t>(size);
    const std::size_t used = connection.parser.feed({buffer_.data(), bytes});
    switch (connection.parser.state()) {
      case ReplyParser::State::bad: return fail(index, Outcome::bad_reply);
      case ReplyParser::State::done:
        return complete(
            index, now,
            connection.parser.keep_alive() && used == bytes && !ended && connection.phase == Phase::awaiting);
      case ReplyParser::State::reading: break;
    }
    if (bytes < buffer_.size() && !ended) return;
  }
}

void LoadDriver::drop(std::uint32_t index) {
  Connection& connection = connections_[index];
  if (connection.phase != Phase::closed) transport_.close(index);
  connection.phase = Phase::closed;
}

void LoadDriver::complete(std::uint32_t index, Nanos now, bool keep) {
  Connection& connection = connections_[index];
  RequestRecord& record = records_[connection.request];
  const int status = connection.parser.status();
  record.received = now;
  record.status = static_cast<std::uint16_t>(status);
  record.outcome = status >= 200 && status <= 399 ? Outcome::ok : Outcome::bad_status;
  last_answer_ = now;
  connection.failures = 0;
  const Load& load = case_.loads[connection.load];
  const bool reuse = load.arrivals == Arrivals::closed || !setup_.close_after_reply;
  if (keep && reuse && !load.fresh_connections) {
    connection.phase = Phase::idle;
  } else {
    drop(index);
  }
  release(index);
  if (load.arrivals == Arrivals::closed) issue_closed(index, now);
}

void LoadDriver::fail(std::uint32_t index, Outcome outcome) {
  Connection& connection = connections_[index];
  RequestRecord& record = records_[connection.request];
  const Nanos now = clock_.now();
  record.received = now;
  record.outcome = outcome;
  drop(index);
  release(index);
  if (loads_[connection.load].to_issue == 0) return;
  // A server that refuses or resets answers at once; without a pause a closed load would be over before it is
  // back.
  Nanos pause = 0;
  if (outcome != Outcome::timeout) {
    pause = std::min(kFirstPause << std::min<int>(connection.failures, 10), kLongestPause);
    if (connection.failures < 10) ++connection.failures;
  }
  later_.push({now + pause, index});
}

void LoadDriver::release(std::uint32_t index) {
  Connection& connection = connections_[index];
  connection.request = kNoRequest;
  --outstanding_;
  if (is_pooled(case_.loads[connection.load])) make_idle(index);
}

}  // namespace lab
