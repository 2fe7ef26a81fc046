#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <utility>

#include "results/store/disk.hpp"
#include "results/store/record_blocks.hpp"
#include "results/store/record_lines.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kEventsPerLine = 1000;
constexpr std::string_view kFix = "save elsewhere with --save DIR, or run with --no-save";

Error cannot_record(const fs::path& folder, std::string_view reason) {
  return environment_error("cannot record the run in {}: {}; {}", folder.string(), reason, kFix);
}

/// One component of a path, whatever the scenario is called.
std::string file_name(std::string_view text) {
  constexpr std::size_t kLongest = 100;
  std::string name(text.substr(0, kLongest));
  for (char& letter : name) {
    if (letter == '/' || letter == ':' || static_cast<unsigned char>(letter) < 0x21) letter = '-';
  }
  return name;
}

std::string error_text(int error_number) {
  return std::generic_category().message(error_number);
}

/// Makes the folder and those above it; errors name what was asked for.
Result<void> make_folders(const fs::path& folder, const fs::path& asked_for) {
  std::error_code error;
  fs::create_directories(folder, error);
  std::error_code ignored;
  if (fs::is_directory(folder, ignored)) return {};
  fs::path in_the_way = folder;
  while (!in_the_way.empty() && !fs::exists(in_the_way, ignored) && in_the_way != in_the_way.parent_path()) {
    in_the_way = in_the_way.parent_path();
  }
  if (fs::exists(in_the_way, ignored) && !fs::is_directory(in_the_way, ignored)) {
    return cannot_record(asked_for, fmt::format("{} is a file, not a folder", in_the_way.string()));
  }
  return cannot_record(asked_for, error.message());
}

/// A new folder in `parent` that no other writer has.
Result<fs::path> make_temporary(const fs::path& parent, const std::string& name, const fs::path& asked_for) {
  for (int i = 1; i < 1000; ++i) {
    fs::path path = parent / fmt::format(".incomplete-{}-{}-{}", name, ::getpid(), i);
    if (::mkdir(path.c_str(), 0755) == 0) return path;
    if (errno != EEXIST) return cannot_record(asked_for, error_text(errno));
  }
  return cannot_record(asked_for, "too many unfinished runs");
}

}  // namespace

struct RunWriter::State {
  fs::path temporary;
  fs::path target;
  bool into_existing = false;  ///< the target is a folder of the user's: files move into it one by one
  std::size_t lines_at_most;
  Disk* disk;
  pid_t owner = ::getpid();
  OutputFile lines;
  std::optional<OutputFile> blocks;
  std::uint64_t line_count = 0;
  std::uint32_t repetitions = 0;
  std::optional<Error> failure;
  bool published = false;

  State(OutputFile file, const StoreOptions& options, Disk& used)
      : lines_at_most(options.lines_at_most), disk(&used), lines(std::move(file)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() { discard(); }

  void append_line(std::string_view line) {
    lines.append(line);
    ++line_count;
  }
  void add_lines(const RunRepetition& repetition);
  void add_blocks(const RunRepetition& repetition);
  void note_failures();
  void discard();
  bool rename(const fs::path& from, const fs::path& to);
  Result<fs::path> publish();
  Result<fs::path> publish_folder();
  Result<fs::path> publish_files();
};

void RunWriter::State::add_lines(const RunRepetition& repetition) {
  std::string line;
  for (const RequestRecord& record : repetition.records) {
    line.clear();
    encode_request(repetitions, record, line);
    append_line(line);
  }
  const std::span<const Event> events(repetition.events);
  for (std::size_t i = 0; i < events.size(); i += kEventsPerLine) {
    append_line(encode_events(repetitions, events.subspan(i, std::min(kEventsPerLine, events.size() - i))));
  }
}

void RunWriter::State::add_blocks(const RunRepetition& repetition) {
  if (!blocks) {
    Result<OutputFile> file = OutputFile::create(temporary / "requests.bin", *disk);
    if (!file) {
      failure = file.error();
      return;
    }
    blocks = std::move(file.value());
    blocks->append(kBlocksMagic);
  }
  const std::span<const RequestRecord> records(repetition.records);
  for (std::size_t i = 0; i < records.size(); i += kBlockEntries) {
    blocks->append(
        encode_block(repetitions, records.subspan(i, std::min(kBlockEntries, records.size() - i))));
  }
  const std::span<const Event> events(repetition.events);
  for (std::size_t i = 0; i < events.size(); i += kBlockEntries) {
    blocks->append(encode_block(repetitions, events.subspan(i, std::min(kBlockEntries, events.size() - i))));
  }
}

void RunWriter::State::note_failures() {
  if (!failure && lines.failure()) failure = lines.failure();
  if (!failure && blocks && blocks->failure()) failure = blocks->failure();
}

void RunWriter::State::discard() {
  // A forked child that unwinds its stack must not remove what its parent still writes.
  if (temporary.empty() || owner != ::getpid()) return;
  std::error_code ignored;
  fs::remove_all(temporary, ignored);
  temporary.clear();
}

bool RunWriter::State::rename(const fs::path& from, const fs::path& to) {
  if (disk->rename(from.c_str(), to.c_str(), RENAME_NOREPLACE) == 0) return true;
  if (errno != EINVAL) return false;
  // Some network file systems do not know the flag. A plain rename never replaces a folder that holds files;
  // it replaces a file, so that its name is taken first by making an empty one, which only one writer can.
  const bool is_file = from != temporary;
  if (is_file) {
    const int made = ::open(to.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (made < 0) return false;
    ::close(made);
  }
  if (disk->rename(from.c_str(), to.c_str(), 0) == 0) return true;
  const int error_number = errno;
  if (is_file) ::unlink(to.c_str());
  errno = error_number;
  return false;
}

/// The folder appears under its name at once, whole.
Result<fs::path> RunWriter::State::publish_folder() {
  fs::path name = target;
  for (int i = 2;; ++i) {
    if (rename(temporary, name)) break;
    // With --save as well: another run may have taken the name meanwhile, and this one is not to be lost.
    const bool taken = errno == EEXIST || errno == ENOTEMPTY;
    if (!taken || i > 1000) return system_error("rename to", name.string(), errno);
    name = fmt::format("{}-{}", target.string(), i);
  }
  temporary.clear();
  return name;
}

/// run.jsonl comes last: without it the folder holds no run.
Result<fs::path> RunWriter::State::publish_files() {
  const std::vector<std::string> names =
      blocks ? std::vector<std::string>{"requests.bin", "run.jsonl"} : std::vector<std::string>{"run.jsonl"};
  for (const std::string& name : names) {
    const fs::path to = target / name;
    if (rename(temporary / name, to)) continue;
    Error error = system_error("rename to", to.string(), errno);
    std::error_code ignored;
    if (name != names.front()) fs::remove(target / names.front(), ignored);  // ours, not another run's
    return error;
  }
  discard();
  return target;
}

Result<fs::path> RunWriter::State::publish() {
  if (Result<void> synced = sync_folder(temporary, *disk); !synced) return synced.error();
  Result<fs::path> path = into_existing ? publish_files() : publish_folder();
  if (!path) return path.error();
  published = true;
  const fs::path parent = into_existing ? target : target.parent_path();
  if (Result<void> synced = sync_folder(parent, *disk); !synced) {
    return environment_error("the run in {} is whole, but might not survive a power cut: {}",
                             path.value().string(), synced.error().message);
  }
  return path;
}

RunWriter::RunWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
RunWriter::RunWriter(RunWriter&&) noexcept = default;
RunWriter& RunWriter::operator=(RunWriter&&) noexcept = default;
RunWriter::~RunWriter() = default;

namespace {

struct Place {
  fs::path parent, name;
  bool exists = false;
};

/// The run's own folder as --save names it, `.` and links included.
Result<Place> exact_place(const fs::path& folder) {
  std::error_code error;
  fs::path whole = fs::weakly_canonical(fs::absolute(folder, error), error);
  if (error) return cannot_record(folder, error.message());
  if (!whole.has_filename()) whole = whole.parent_path();
  if (fs::exists(whole / "run.jsonl", error)) {
    return usage_error("{} already holds a run, which is not overwritten; choose another --save DIR",
                       folder.string());
  }
  const bool exists = fs::exists(whole, error);
  if (exists && !fs::is_directory(whole, error)) {
    return cannot_record(folder, fmt::format("{} is a file, not a folder", whole.string()));
  }
  return Place{exists ? whole : whole.parent_path(), whole, exists};
}

}  // namespace

Result<RunWriter> RunWriter::create(const fs::path& folder, bool exact, const RunHeader& header,
                                    const StoreOptions& options) {
  Place place{folder, folder / file_name(fmt::format("{}-{}", header.started_utc, header.scenario))};
  if (exact) {
    Result<Place> found = exact_place(folder);
    if (!found) return found.error();
    place = found.value();
  }
  if (Result<void> made = make_folders(place.parent, folder); !made) return made.error();
  Result<fs::path> temporary = make_temporary(place.parent, place.name.filename().string(), folder);
  if (!temporary) return temporary.error();
  Disk& disk = options.disk == nullptr ? Disk::real() : *options.disk;
  Result<OutputFile> file = OutputFile::create(temporary.value() / "run.jsonl", disk);
  if (!file) {
    ::rmdir(temporary.value().c_str());
    return cannot_record(folder, file.error().message);
  }
  // A limit on file sizes is to be an error of write(2), not the end of the run.
  ::signal(SIGXFSZ, SIG_IGN);
  // Held until this process ends: tells a run that is being written from one whose writer was killed.
  ::flock(file.value().fd(), LOCK_EX | LOCK_NB);
  auto state = std::make_unique<State>(std::move(file.value()), options, disk);
  state->temporary = temporary.value();
  state->target = place.name;
  state->into_existing = place.exists;
  state->append_line(encode(header));
  state->lines.flush();
  state->note_failures();
  return RunWriter(std::move(state));
}

void RunWriter::add(const RunRepetition& repetition) {
  State& state = *state_;
  if (state.failure) return;
  ++state.repetitions;
  RepetitionLine line;
  line.repetition.arm = repetition.arm;
  line.repetition.case_id = repetition.case_id;
  line.repetition.engine = repetition.engine;
  line.repetition.number = repetition.number;
  line.repetition.began = repetition.began;
  line.repetition.pace = repetition.pace;
  line.repetition.server = repetition.server;
  line.repetition.send_skew = repetition.send_skew;
  line.repetition.events_dropped = repetition.events_dropped;
  line.repetition.warnings = repetition.warnings;
  line.ordinal = state.repetitions;
  line.requests = repetition.records.size();
  line.events = repetition.events.size();
  line.in_blocks = repetition.records.size() > state.lines_at_most;
  state.append_line(encode(line));
  if (line.in_blocks) {
    state.add_blocks(repetition);
  } else {
    state.add_lines(repetition);
  }
  state.lines.flush();
  if (state.blocks) state.blocks->flush();
  state.note_failures();
}

Result<fs::path> RunWriter::finish(const RunSummary& summary) {
  State& state = *state_;
  if (!state.failure) {
    state.append_line(encode(SummaryLine{summary, state.repetitions, state.line_count}));
    state.lines.close();
    if (state.blocks) state.blocks->close();
    state.note_failures();
  }
  Result<fs::path> path = state.failure ? Result<fs::path>(*state.failure) : state.publish();
  state.discard();
  if (path || state.published) return path;
  return environment_error("the run was not recorded: {}; earlier runs are as they were; {}",
                           path.error().message, kFix);
}

}  // namespace lab
