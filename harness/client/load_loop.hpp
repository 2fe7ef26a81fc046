#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "harness/client/connections.hpp"
#include "lab/core/clock.hpp"

namespace lab {

/// After so many sends in a row replies get their stamps; a smaller burst leaves in one go.
constexpr int kSendsInARow = 64;
/// Below every usual accept backlog.
constexpr std::size_t kOpenAtOnce = 128;

/// Something to do at a time: `what` is a number of the user's.
struct Due {
  Nanos at = 0;
  std::uint32_t what = 0;
  bool operator>(const Due& other) const { return at > other.at; }
};

/// The earliest first.
class DueHeap : public std::priority_queue<Due, std::vector<Due>, std::greater<>> {
 public:
  void reserve(std::size_t size) { c.reserve(size); }
  Nanos next() const { return empty() ? kNever : top().at; }
  bool is_due(Nanos now) const { return !empty() && top().at <= now; }
  Due take() {
    const Due due = top();
    pop();
    return due;
  }
};

/// Numbers of the user's, each at most once, the earliest first and at one time the one that was put first.
/// Where they are put in about the order of their times, putting, taking and removing cost the same however
/// many there are.
class DueList {
 public:
  static constexpr std::uint32_t kNone = ~std::uint32_t{0};

  /// Numbers below that are put without allocating.
  void reserve(std::size_t size) { entries_.resize(std::max(size, entries_.size())); }
  bool empty() const { return first_ == kNone; }
  Nanos next() const { return empty() ? kNever : entries_[first_].at; }
  std::uint32_t first() const { return first_; }
  /// Moves it where it is there already.
  void put(std::uint32_t index, Nanos at = 0);
  void remove(std::uint32_t index);
  /// kNone: there is none.
  std::uint32_t take();

 private:
  struct Entry {
    Nanos at = 0;
    std::uint32_t before = kNone, after = kNone;
    bool there = false;
  };
  std::vector<Entry> entries_;
  std::uint32_t first_ = kNone, last_ = kNone;
};

/// What every generator of loads does over its connections: it begins what is due, ends what takes longer
/// than its deadline, lets a client pause after an error, and gives up where nothing is answered any more.
/// When there is something to send, what, and what is noted about it, the heirs say (LoadDriver, LoadEngine).
/// A client is a number of theirs. One thread. Virtual time with a fake clock and transport.
class LoadLoop : protected ConnectionUser {
 public:
  /// errno of the first connection that could not be opened before the load; 0: none.
  int open_error() const { return connections_.open_error(); }
  bool interrupted() const { return connections_.interrupted(); }

 protected:
  /// `timeout`: how long the server may answer nothing before a load without end gives up.
  LoadLoop(Connections::Rules rules, Nanos timeout, Clock& clock, Transport& transport, std::size_t count)
      : clock_(clock), connections_(*this, rules, clock, transport, count), timeout_(timeout) {
    deadlines_.reserve(count);
  }
  ~LoadLoop() = default;

  /// Until all is over, or it is interrupted. Time zero is `began`.
  void run_from(Nanos began);
  /// Begins the request that request_on() has; after its deadline it fails with LoadError::timeout.
  void begin_until(Nanos deadline, std::uint32_t connection, Nanos now);
  /// The request on that connection has ended.
  void ended(std::uint32_t connection);
  /// The client goes on now, or after so many failures in a row later, twice as long each time: a server that
  /// refuses or resets answers at once; without a pause a closed load would be over before it is back.
  void go_on_later(std::uint32_t client, Nanos now, std::uint16_t* failures);
  /// Whether it does, where the next request is meant for that time.
  bool gives_up(Nanos intended, Nanos last_answer);
  Nanos next_send() const { return std::min(later_.next(), next_due()); }

  /// Something will still be sent.
  virtual bool has_more() const = 0;
  /// When something of it is due; kNever: not known.
  virtual Nanos next_due() const = 0;
  /// When something else is to be done.
  virtual Nanos next_other() const = 0;
  virtual void issue_due(Nanos now) = 0;
  /// The client's next request, if there is one.
  virtual void go_on(std::uint32_t client, Nanos intended) = 0;
  /// At the end of every turn.
  virtual void look_after(Nanos now) = 0;

  Clock& clock_;
  Connections connections_;
  DueHeap later_;      // clients that start or go on later
  DueList deadlines_;  // by connection
  std::int64_t outstanding_ = 0;
  Nanos began_ = 0, last_answer_ = 0;
  bool gave_up_ = false;

 private:
  const Nanos timeout_;
};

}  // namespace lab
