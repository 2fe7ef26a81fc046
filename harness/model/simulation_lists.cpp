// The lists in which tasks stand, the members that they hold, and what is told of it.
#include <bit>

#include "harness/model/simulation.hpp"

namespace lab {

std::uint32_t Simulation::allocate() {
  if (free_ != kNone) {
    const std::uint32_t index = free_;
    free_ = tasks_[index].next;
    if (rich_) extras_[index] = Extra{};
    return index;
  }
  tasks_.emplace_back();
  if (detailed()) stamps_.emplace_back();
  if (rich_) extras_.emplace_back();
  return static_cast<std::uint32_t>(tasks_.size() - 1);
}

void Simulation::free_task(std::uint32_t index) {
  if (rich_) extras_[index] = Extra{};
  tasks_[index].next = free_;
  free_ = index;
}

std::uint32_t Simulation::split(std::uint32_t from) {
  const std::uint32_t index = allocate();
  tasks_[index] = tasks_[from];
  tasks_[index].count = 1;
  tasks_[index].next = kNone;
  --tasks_[from].count;
  return index;
}

bool Simulation::alike(const Task& a, const Task& b) const {
  return a.pc == b.pc && a.load == b.load && a.worker == b.worker && a.due == b.due && a.work == 0 &&
         b.work == 0 && (latencies_ == nullptr || a.intended == b.intended);
}

void Simulation::push(List& list, std::uint32_t index) {
  (list.tail == kNone ? list.head : tasks_[list.tail].next) = index;
  tasks_[index].next = kNone;
  list.tail = index;
}

void Simulation::append(List& list, std::uint32_t index) {
  if (grouped_ && list.tail != kNone && alike(tasks_[list.tail], tasks_[index])) {
    tasks_[list.tail].count += tasks_[index].count;
    free_task(index);
  } else {
    push(list, index);
  }
}

std::uint32_t Simulation::pop_one(List& list) {
  const std::uint32_t head = list.head;
  if (tasks_[head].count > 1) return split(head);
  list.head = tasks_[head].next;
  if (list.head == kNone) list.tail = kNone;
  return head;
}

std::uint64_t* Simulation::units_of(const Task& task, Resource resource) {
  std::size_t row = 0;
  switch (resource) {
    case Resource::pool: break;
    case Resource::thread: row = 1; break;
    case Resource::connection: row = 2; break;
    default: return nullptr;
  }
  return units_.data() + (std::size_t{task.worker} * kUnitRows + row) * unit_words_;
}

void Simulation::take_unit(Task& task, Resource resource) {
  std::uint64_t* words = units_of(task, resource);
  if (words == nullptr) return;
  std::size_t word = 0;
  while (words[word] == 0) ++word;
  const int bit = std::countr_zero(words[word]);
  words[word] &= words[word] - 1;
  const auto unit = static_cast<std::uint16_t>(word * 64 + static_cast<std::size_t>(bit));
  (resource == Resource::connection ? task.connection : task.unit) = unit;
}

void Simulation::give_unit(const Task& task, Resource resource) {
  std::uint64_t* words = units_of(task, resource);
  if (words == nullptr) return;
  const std::uint16_t unit = resource == Resource::connection ? task.connection : task.unit;
  words[unit / 64] |= std::uint64_t{1} << (unit % 64);
}

void Simulation::emit(EventKind kind, const Task& task, Resource resource, std::int64_t value) {
  if (events_ == nullptr) return;
  Event event;
  event.at = now_;
  event.value = value;
  event.request = task.id;
  event.worker = static_cast<std::uint16_t>(task.worker);
  if (resource == Resource::pool || resource == Resource::thread || resource == Resource::queue) {
    event.unit = task.unit;
  } else if (resource == Resource::connection) {
    event.unit = task.connection;
  }
  event.kind = kind;
  event.resource = resource;
  events_->event(event);
}

}  // namespace lab
