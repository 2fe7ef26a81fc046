#include "results/store/set_aside.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "results/store/disk.hpp"

namespace lab {

AsideFile::~AsideFile() {
  if (!folder) return;
  std::error_code ignored;
  std::filesystem::remove(path, ignored);
}

void SetAside::take(RunRepetition& repetition) {
  if (repetition.aside) return;
  const std::size_t bytes =
      repetition.records.capacity() * sizeof(RequestRecord) + repetition.events.capacity() * sizeof(Event);
  if (held_ + bytes <= most_) {
    held_ += bytes;
    return;
  }
  if (!folder_) {
    auto created = TemporaryFolder::create("lab-repetitions");
    if (!created) return;
    folder_ = std::make_shared<const TemporaryFolder>(std::move(*created));
  }
  auto aside = std::make_shared<AsideFile>();
  aside->folder = folder_;
  aside->path = folder_->path() / fmt::format("{}.bin", ++files_);
  aside->requests = repetition.records.size();
  aside->events = repetition.events.size();
  Result<OutputFile> file = OutputFile::create(aside->path, Disk::real());
  if (!file) return;
  file->append(kBlocksMagic);
  append_blocks(0, repetition, *file);
  file->flush();
  if (file->failure()) return;
  repetition.records = std::vector<RequestRecord>();  // unlike clear() and = {} this gives the memory back
  repetition.events = Events();
  repetition.aside = std::move(aside);
}

namespace {

bool is_cut(const RunRepetition& repetition, std::size_t requests) {
  const bool died = !repetition.killed || !repetition.killed->empty() || !repetition.supervision.empty();
  return requests > kMaxTraced && !died;
}

/// Gives on what of the file can be.
void read_aside(const AsideFile& aside, const std::function<void(const RequestRecord&)>& record,
                const std::function<void(const Event&)>& event) {
  std::optional<EntryCheck> check = aside.check;
  BlockSink sink;
  const auto can_be = [&](std::uint32_t ordinal, const auto& entry) {
    return ordinal == aside.ordinal && (!check || check->check(entry).empty());
  };
  sink.record = [&](std::uint32_t ordinal, const RequestRecord& one) {
    if (can_be(ordinal, one)) record(one);
  };
  sink.event = [&](std::uint32_t ordinal, const Event& one) {
    if (can_be(ordinal, one)) event(one);
  };
  sink.damage = [](std::uint64_t, const std::string&) {};  // it was reported; the counts show what is new
  read_blocks(aside.path, sink, aside.bytes);
}

/// Which events stay in memory where the requests are too many: what is of the first ones, and what is of
/// nobody until the last of them ends.
class TracedEvents {
 public:
  explicit TracedEvents(std::span<const RequestRecord> first) : last_(first.back().id) {
    for (const RequestRecord& record : first) until_ = std::max({until_, record.received, record.finished});
  }
  bool has(const Event& event) const {
    return event.request != 0 ? event.request <= last_ : event.at <= until_;
  }

 private:
  std::uint32_t last_;
  Nanos until_ = 0;
};

}  // namespace

std::span<const RequestRecord> traced(const RunRepetition& repetition) {
  const std::span<const RequestRecord> all(repetition.records);
  return is_cut(repetition, all.size()) ? all.first(kMaxTraced) : all;
}

const RunRepetition& whole(const RunRepetition& repetition, RunRepetition& room) {
  if (!repetition.aside || !repetition.records.empty()) return repetition;
  const AsideFile& aside = *repetition.aside;
  room = repetition;
  room.records.reserve(aside.requests);
  const bool cut = is_cut(repetition, aside.requests);
  if (!cut) room.events.reserve(aside.events);
  std::optional<TracedEvents> traced_events;
  std::size_t events = 0;
  read_aside(
      aside, [&](const RequestRecord& record) { room.records.push_back(record); },
      [&](const Event& event) {
        ++events;
        if (cut && !traced_events && !room.records.empty()) traced_events.emplace(traced(room));
        if (!traced_events || traced_events->has(event)) room.events.push_back(event);
      });
  if (room.records.size() != aside.requests || events != aside.events) {
    throw Failure(environment_error("{}: a repetition's requests cannot be read again: some are missing",
                                    aside.path.string()));
  }
  if (!cut) room.aside.reset();
  return room;
}

void for_each_event(const RunRepetition& repetition, const std::function<void(const Event&)>& visit) {
  if (repetition.aside)
    return read_aside(
        *repetition.aside, [](const RequestRecord&) {}, visit);
  for (const Event& event : repetition.events) visit(event);
}

}  // namespace lab
