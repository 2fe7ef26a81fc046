#include "results/store/set_aside.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>
#include <utility>

#include "results/store/record_blocks.hpp"

namespace lab {

/// Goes with the last repetition that needs it.
struct AsideFile {
  std::shared_ptr<const TemporaryFolder> folder;
  std::filesystem::path path;
  std::size_t requests = 0, events = 0;

  AsideFile() = default;
  AsideFile(const AsideFile&) = delete;
  AsideFile& operator=(const AsideFile&) = delete;
  ~AsideFile() {
    std::error_code ignored;
    std::filesystem::remove(path, ignored);
  }
};

void SetAside::take(RunRepetition& repetition) {
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

const RunRepetition& whole(const RunRepetition& repetition, RunRepetition& room) {
  if (!repetition.aside) return repetition;
  room = repetition;
  room.aside.reset();
  room.records.reserve(repetition.aside->requests);
  room.events.reserve(repetition.aside->events);
  BlockSink sink;
  std::string damage;
  sink.record = [&](std::uint32_t, const RequestRecord& record) { room.records.push_back(record); };
  sink.event = [&](std::uint32_t, const Event& event) { room.events.push_back(event); };
  sink.damage = [&](std::uint64_t, const std::string& what) { damage = what; };
  read_blocks(repetition.aside->path, sink);
  const bool all =
      room.records.size() == repetition.aside->requests && room.events.size() == repetition.aside->events;
  if (!all || !damage.empty()) {
    throw Failure(environment_error("{}: a repetition's requests cannot be read again: {}",
                                    repetition.aside->path.string(),
                                    damage.empty() ? "some are missing" : damage));
  }
  return room;
}

}  // namespace lab
