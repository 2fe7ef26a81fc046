#include "lab/core/event_ring.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <new>

namespace lab {

struct EventRings::Cell {
  // 0: never filled; n: holds the event of place n-1. Stored with release after the event's bytes, loaded
  // with acquire before they are read, so a reader never sees half an event.
  std::atomic<std::uint64_t> filled{0};
  Event event;
};

struct EventRings::Header {
  alignas(64) std::atomic<std::uint64_t> head{0};  // next place to fill; writers only
  // First place that is still to be read. Stored with release after all cells before it were copied out,
  // loaded with acquire by writers before they reuse one.
  alignas(64) std::atomic<std::uint64_t> tail{0};
  std::atomic<std::uint64_t> dropped{0};
};

namespace {
constexpr std::size_t kPage = 4096;
std::size_t round_up(std::size_t bytes) {
  return (bytes + kPage - 1) / kPage * kPage;
}
}  // namespace

Result<EventRings> EventRings::create(int slots, std::size_t capacity) {
  EventRings rings;
  rings.slots_ = slots;
  rings.capacity_ = std::bit_ceil(std::max<std::size_t>(capacity, 1024));
  rings.descriptor_ = UniqueFd(memfd_create("lab-events", MFD_CLOEXEC));
  if (!rings.descriptor_.valid()) return system_error("memfd_create", "lab-events", errno);
  LAB_CHECK(rings.map());
  // Fresh memfd pages are zero, which is the initial value of every atomic in them.
  for (int slot = 0; slot < slots; ++slot) new (&rings.header(slot)) Header;
  return rings;
}

Result<EventRings> EventRings::attach(int descriptor, int slots, std::size_t capacity) {
  EventRings rings;
  rings.slots_ = slots;
  rings.capacity_ = capacity;
  rings.descriptor_ = UniqueFd(descriptor);
  fcntl(descriptor, F_SETFD, FD_CLOEXEC);
  LAB_CHECK(rings.map());
  return rings;
}

Result<void> EventRings::map() {
  stride_ = kPage + round_up(capacity_ * sizeof(Cell));
  const std::size_t bytes = static_cast<std::size_t>(slots_) * stride_;
  if (ftruncate(descriptor(), static_cast<off_t>(bytes)) != 0)
    return system_error("ftruncate", "the event ring", errno);
  LAB_TRY(memory_, SharedMemory<std::byte>::create("the event ring", bytes, descriptor()));
  readers_.resize(static_cast<std::size_t>(slots_));
  for (int slot = 0; slot < slots_; ++slot)
    readers_[static_cast<std::size_t>(slot)].next = header(slot).tail.load(std::memory_order_relaxed);
  return {};
}

EventRings::Header& EventRings::header(int slot) const {
  return *reinterpret_cast<Header*>(&memory_[static_cast<std::size_t>(slot) * stride_]);
}

EventRings::Cell* EventRings::cells(int slot) const {
  return reinterpret_cast<Cell*>(reinterpret_cast<char*>(&header(slot)) + kPage);
}

std::optional<std::uint64_t> EventRings::take_place(int slot) noexcept {
  Header& ring = header(slot);
  std::uint64_t place = ring.head.load(std::memory_order_relaxed);
  do {
    if (place - ring.tail.load(std::memory_order_acquire) >= capacity_) {
      ring.dropped.fetch_add(1, std::memory_order_relaxed);
      return std::nullopt;
    }
    // Release: a reader that sees this place sees what this thread has filled before.
  } while (!ring.head.compare_exchange_weak(place, place + 1, std::memory_order_release,
                                            std::memory_order_relaxed));
  return place;
}

void EventRings::append(int slot, Event event) noexcept {
  if (const std::optional<std::uint64_t> place = take_place(slot)) fill_place(slot, *place, event);
}

void EventRings::fill_place(int slot, std::uint64_t place, Event event) noexcept {
  event.worker = static_cast<std::uint16_t>(slot);
  Cell& cell = cells(slot)[place & (capacity_ - 1)];
  cell.event = event;
  cell.filled.store(place + 1, std::memory_order_release);
}

bool EventRings::take_event(int slot, std::uint64_t place, Events& out) const {
  const Cell& cell = cells(slot)[place & (capacity_ - 1)];
  if (cell.filled.load(std::memory_order_acquire) != place + 1) return false;
  out.push_back(cell.event);
  return true;
}

void EventRings::drain(Events& out) {
  for (int slot = 0; slot < slots_; ++slot) {
    Header& ring = header(slot);
    Reader& reader = readers_[static_cast<std::size_t>(slot)];
    // First the end, then what was torn: whatever a thread has before the end comes behind its earlier
    // events.
    const std::uint64_t end = ring.head.load(std::memory_order_acquire);
    std::erase_if(reader.torn, [&](std::uint64_t place) { return take_event(slot, place, out); });
    for (; reader.next != end; ++reader.next) {
      if (!take_event(slot, reader.next, out)) reader.torn.push_back(reader.next);
    }
    ring.tail.store(reader.torn.empty() ? end : reader.torn.front(), std::memory_order_release);
  }
}

std::uint64_t EventRings::dropped() const {
  std::uint64_t sum = 0;
  for (int slot = 0; slot < slots_; ++slot) sum += header(slot).dropped.load(std::memory_order_relaxed);
  for (const Reader& reader : readers_) sum += reader.torn.size();
  return sum;
}

}  // namespace lab
