#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/event.hpp"
#include "lab/core/process.hpp"

namespace lab {

/// Bounded rings of events in shared memory (memfd), one per worker slot. Made by the harness before it
/// forks a server; the mapping is inherited. Many threads of a worker append, one reader (the harness)
/// drains. A ring outlives a killed worker; what does not fit is dropped and counted.
///
/// Thread safety: append() from any thread or process, drain() from one.
class EventRings {
 public:
  /// `capacity` events per slot, rounded up to a power of two. Memory is only used where events were written.
  static Result<EventRings> create(int slots, std::size_t capacity);
  /// The rings that another process made, through its descriptor(), which is the caller's no more.
  static Result<EventRings> attach(int descriptor, int slots, std::size_t capacity);
  EventRings() = default;

  int slots() const { return slots_; }
  /// What attach() takes, in a process that has inherited it.
  int descriptor() const { return descriptor_.get(); }
  std::size_t capacity() const { return capacity_; }
  bool empty() const { return !memory_; }

  /// Tens of nanoseconds. `event.worker` is set to `slot`.
  void append(int slot, Event event) noexcept;

  /// Moves all events that are complete to the end of `out`, slot by slot; those of one thread stay in their
  /// order. A place that was taken but not filled yet holds nobody back: its event comes with a later call,
  /// or never where its writer was killed.
  void drain(Events& out);

  /// How many events are lost, over all slots: those that found no place, and those that the last drain()
  /// found begun and not finished.
  std::uint64_t dropped() const;

 private:
  struct Cell;
  struct Header;
  struct Reader {
    std::uint64_t next = 0;           // place that was not looked at yet
    std::vector<std::uint64_t> torn;  // places before it that were not filled
  };
  Result<void> map();
  friend struct EventRingsProbe;  // the test that stops between the halves of append()
  std::optional<std::uint64_t> take_place(int slot) noexcept;
  void fill_place(int slot, std::uint64_t place, Event event) noexcept;
  Header& header(int slot) const;
  Cell* cells(int slot) const;
  bool take_event(int slot, std::uint64_t place, Events& out) const;

  SharedMemory<std::byte> memory_;
  std::size_t stride_ = 0;  // from one slot's ring to the next one's
  std::size_t capacity_ = 0;
  int slots_ = 0;
  UniqueFd descriptor_;
  std::vector<Reader> readers_;  // by slot; of the process that drains
};

}  // namespace lab
