#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <new>
#include <utility>

#include "results/store/disk.hpp"
#include "results/store/record_blocks.hpp"
#include "results/store/record_lines.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace fs = std::filesystem;

namespace {

constexpr std::ptrdiff_t kEventsPerLine = 1000;
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
    if (errno != EEXIST) return cannot_record(asked_for, std::generic_category().message(errno));
  }
  return cannot_record(asked_for, "too many unfinished runs");
}

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
  // Of a writer that was killed before it could put its run.jsonl beside it. It must not get into this run.
  const fs::path left_over = whole / "requests.bin";
  if (InputFile(left_over).at(0, kBlocksMagic.size()) == kBlocksMagic) fs::remove(left_over, error);
  return Place{exists ? whole : whole.parent_path(), whole, exists};
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
  struct {
    std::uint32_t repetitions = 0;
    std::uint64_t lines = 0, line_bytes = 0, block_bytes = 0;
  } sound;                        ///< up to the end of the last repetition that is recorded whole
  std::optional<Error> not_made;  ///< why there is no file of blocks
  bool published = false;

  State(OutputFile file, const StoreOptions& options, Disk& used)
      : lines_at_most(options.lines_at_most), disk(&used), lines(std::move(file)) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State() {
    try {
      keep_whole("it was given up before its end");
    } catch (const std::bad_alloc&) {  // then without the reason
    }
  }

  void append_line(const RunLine& line) {
    std::string text;
    encode(line, text);
    lines.append(text);
    ++line_count;
  }

  void add_lines(const RunRepetition& repetition) {
    for (const RequestRecord& record : repetition.records) append_line(RequestLine{repetitions, record});
    auto from = repetition.events.begin();
    while (from != repetition.events.end()) {
      const auto to = from + std::min<std::ptrdiff_t>(kEventsPerLine, repetition.events.end() - from);
      append_line(EventsLine{repetitions, Events(from, to)});
      from = to;
    }
  }

  void add_blocks(const RunRepetition& repetition) {
    if (!blocks) {
      Result<OutputFile> file = OutputFile::create(temporary / "requests.bin", *disk);
      if (!file) {
        not_made = file.error();
        return;
      }
      blocks = std::move(*file);
      blocks->append(kBlocksMagic);
    }
    append_blocks(repetitions, repetition, *blocks);
  }

  /// The first error; null: all went well.
  const Error* failure() const {
    if (not_made) return &*not_made;
    if (lines.failure()) return &*lines.failure();
    return blocks && blocks->failure() ? &*blocks->failure() : nullptr;
  }

  void discard() {
    // A forked child that unwinds its stack must not remove what its parent still writes.
    if (temporary.empty() || owner != ::getpid()) return;
    std::error_code ignored;
    fs::remove_all(temporary, ignored);
    temporary.clear();
  }

  /// What was recorded whole stays, as an unfinished run. Its folder; empty where there is nothing.
  fs::path keep_whole(const std::string& reason) {
    if (owner != ::getpid()) return {};
    if (sound.repetitions == 0) discard();
    if (temporary.empty()) return {};
    cut(reason);
    return std::exchange(temporary, {});
  }

  /// Nothing where the files are closed: then they are whole.
  void cut(const std::string& reason) {
    std::error_code ignored;
    if (blocks) blocks->cut(sound.block_bytes);
    if (sound.block_bytes == 0) fs::remove(temporary / "requests.bin", ignored);
    if (!lines.cut(sound.line_bytes)) return;
    line_count = sound.lines;
    append_line(SummaryLine{{false, reason, "", {}}, sound.repetitions, line_count});
    lines.flush();
    if (lines.failure()) lines.cut(sound.line_bytes);
  }

  bool rename(const fs::path& from, const fs::path& to) {
    if (disk->rename(from.c_str(), to.c_str(), RENAME_NOREPLACE) == 0) return true;
    if (errno != EINVAL) return false;
    // Some network file systems do not know the flag. A plain rename never replaces a folder that holds
    // files; it replaces a file, so that its name is taken first by making an empty one, which only one
    // writer can.
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

  Result<fs::path> publish() {
    LAB_CHECK(sync_folder(temporary, *disk));
    LAB_TRY(fs::path path, into_existing ? publish_files() : publish_folder());
    published = true;
    if (auto synced = sync_folder(into_existing ? target : target.parent_path(), *disk); !synced) {
      return environment_error("the run in {} is whole, but might not survive a power cut: {}", path.string(),
                               synced.error().message);
    }
    return path;
  }

  /// The folder appears under its name at once, whole.
  Result<fs::path> publish_folder() {
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
  Result<fs::path> publish_files() {
    std::vector<std::string> names{"run.jsonl"};
    if (blocks) names.insert(names.begin(), "requests.bin");
    for (const std::string& name : names) {
      const fs::path to = target / name;
      if (rename(temporary / name, to)) continue;
      Error error = system_error("rename to", to.string(), errno);
      std::error_code ignored;
      // What is there is ours, not another run's.
      if (name != names.front()) fs::rename(target / names.front(), temporary / names.front(), ignored);
      return error;
    }
    discard();
    return target;
  }
};

RunWriter::RunWriter(std::unique_ptr<State> state) : state_(std::move(state)) {}
RunWriter::RunWriter(RunWriter&&) noexcept = default;
RunWriter& RunWriter::operator=(RunWriter&&) noexcept = default;
RunWriter::~RunWriter() = default;

Result<RunWriter> RunWriter::create(const fs::path& folder, bool exact, const RunHeader& header,
                                    const StoreOptions& options) {
  Place place{folder, folder / file_name(fmt::format("{}-{}", header.started_utc, header.scenario))};
  if (exact) {
    LAB_TRY(place, exact_place(folder));
  }
  LAB_CHECK(make_folders(place.parent, folder));
  LAB_TRY(const fs::path temporary, make_temporary(place.parent, place.name.filename().string(), folder));
  Disk& disk = options.disk == nullptr ? Disk::real() : *options.disk;
  Result<OutputFile> file = OutputFile::create(temporary / "run.jsonl", disk);
  if (!file) {
    ::rmdir(temporary.c_str());
    return cannot_record(folder, file.error().message);
  }
  // A limit on file sizes is to be an error of write(2), not the end of the run.
  ::signal(SIGXFSZ, SIG_IGN);
  // Held until this process ends: distinguishes a run that is being written from one whose writer was killed.
  ::flock(file->fd(), LOCK_EX | LOCK_NB);
  auto state = std::make_unique<State>(std::move(*file), options, disk);
  state->temporary = temporary;
  state->target = place.name;
  state->into_existing = place.exists;
  state->append_line(header);
  state->lines.flush();
  return RunWriter(std::move(state));
}

void RunWriter::add(const RunRepetition& repetition) {
  State& state = *state_;
  if (state.failure() != nullptr) return;
  ++state.repetitions;
  const RepetitionLine line{repetition, state.repetitions, repetition.records.size(),
                            repetition.events.size(), repetition.records.size() > state.lines_at_most};
  state.append_line(line);
  if (line.in_blocks) {
    state.add_blocks(repetition);
  } else {
    state.add_lines(repetition);
  }
  state.lines.flush();
  if (state.blocks) state.blocks->flush();
  if (state.failure() != nullptr) return;
  state.sound = {state.repetitions, state.line_count, state.lines.size(),
                 state.blocks ? state.blocks->size() : 0};
}

Result<fs::path> RunWriter::finish(const RunSummary& summary) {
  State& state = *state_;
  if (state.failure() == nullptr) {
    state.append_line(SummaryLine{summary, state.repetitions, state.line_count});
    state.lines.close();
    if (state.blocks) state.blocks->close();
  }
  const Error* failure = state.failure();
  Result<fs::path> path = failure != nullptr ? Result<fs::path>(*failure) : state.publish();
  if (path || state.published) {
    state.discard();
    return path;
  }
  const fs::path kept = state.keep_whole(path.error().message);
  const std::string rest = kept.empty()
                               ? ""
                               : fmt::format("; what was recorded whole ({} of the repetitions) stays in {}",
                                             state.sound.repetitions, kept.string());
  return environment_error("the run was not recorded: {}{}; earlier runs are as they were; {}",
                           path.error().message, rest, kFix);
}

}  // namespace lab
