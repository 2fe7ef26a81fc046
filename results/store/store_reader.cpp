#include <algorithm>
#include <cerrno>
#include <map>
#include <set>
#include <system_error>
#include <utility>

#include "results/store/disk.hpp"
#include "results/store/record_blocks.hpp"
#include "results/store/record_check.hpp"
#include "results/store/record_lines.hpp"
#include "results/store/set_aside.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace fs = std::filesystem;

namespace {

constexpr std::size_t kDamageShown = 100;
constexpr std::uint64_t kLeastEntry = 28;  // bytes in requests.bin

/// Puts a run together from lines and blocks, whatever is missing.
class Assembly {
 public:
  explicit Assembly(const ReadOptions& options) : options_(options) {}

  void line(const RawLine& raw) {
    // A damaged line end leaves two sound lines in one.
    std::string_view rest = raw.text;
    std::uint64_t offset = raw.offset;
    while (!sealed(rest)) {
      const std::optional<std::size_t> end = find_seal(rest);
      if (!end) break;
      take(offset, rest.substr(0, *end));
      const std::size_t skipped = std::min(*end + 1, rest.size());
      damage("run.jsonl: byte {}: the line's end is damaged", offset + *end);
      offset += skipped;
      rest.remove_prefix(skipped);
      if (rest.empty()) return;
    }
    if (raw.ended || sealed(rest)) {
      take(offset, rest);
      if (!raw.ended) damage("run.jsonl: byte {}: the last line is torn", offset + rest.size());
    } else {
      damage("run.jsonl: byte {}: the last line is torn", offset);
    }
  }

  void blocks(const fs::path& folder) {
    const bool expected = std::ranges::any_of(parts_, [](const auto& part) { return part.second.in_blocks; });
    const fs::path file = folder / "requests.bin";
    std::error_code error;
    if (!expected && !fs::exists(file, error)) return;
    const std::uint64_t size = fs::file_size(file, error);
    const std::uint64_t most = error ? 0 : size / kLeastEntry;  // entries, whatever is announced
    BlockSink sink;
    sink.block = [&](std::uint32_t ordinal, const BlockRange& bytes) {
      Part& part = parts_[ordinal];
      if (ordinal != current_) give(std::exchange(current_, ordinal));
      if (!part.checked) begin_blocks(ordinal, part, file, bytes.from, most);
      if (part.left && !part.checked) part.left->bytes.to = bytes.to;
    };
    sink.record = [this](std::uint32_t ordinal, const RequestRecord& record) {
      take_entry(ordinal, record, &RunRepetition::records, &AsideFile::requests,
                 &ImpossibleEntries::requests);
    };
    sink.event = [this](std::uint32_t ordinal, const Event& event) {
      take_entry(ordinal, event, &RunRepetition::events, &AsideFile::events, &ImpossibleEntries::events);
    };
    sink.damage = [this](std::uint64_t offset, const std::string& what) {
      damage("requests.bin: byte {}: {}", offset, what);
    };
    read_blocks(file, sink);
  }

  template <class... Values>
  void damage(fmt::format_string<Values...> text, Values&&... values) {
    if (++damages_ <= kDamageShown) run_.damage.push_back(fmt::format(text, std::forward<Values>(values)...));
  }

  Result<Run> finish(const fs::path& path) {
    if (!other_schema_.empty()) {
      return usage_error("{} is of schema {}; this program reads {}", path.string(), other_schema_,
                         kRunSchema);
    }
    if (sound_ == 0) return usage_error("{} is not a run: no line of it can be read", path.string());
    if (!has_header_) damage("run.jsonl: the header is lost");
    check_parts();
    check_summary();
    if (!summary_ && damages_ == 0) damage("run.jsonl: the summary is missing");
    if (damages_ > 0 && summary_) {
      std::string& reason = run_.summary.reason;
      reason += (reason.empty() ? "" : "; ") + ("its record is damaged: " + run_.damage.front());
      run_.summary.complete = false;
    }
    if (damages_ > kDamageShown) run_.damage.push_back(fmt::format("and {} more", damages_ - kDamageShown));
    return std::move(run_);
  }

 private:
  struct Part {
    RunRepetition repetition;
    std::uint64_t requests = 0, events = 0;
    bool in_blocks = false;
    bool announced = false;             ///< its own line was read
    bool checked = false;               ///< whether it can be
    bool given = false;                 ///< to ReadOptions::whole
    std::shared_ptr<AsideFile> left{};  ///< where its entries stay, which are counted
    std::optional<EntryCheck> check{};  ///< of these
    ImpossibleEntries impossible{};     ///< of these

    std::size_t requests_read() const {
      return left ? left->requests + impossible.requests : repetition.records.size();
    }
    std::size_t events_read() const {
      return left ? left->events + impossible.events : repetition.events.size();
    }
    bool complete() const { return announced && requests_read() == requests && events_read() == events; }
  };

  /// Its first block begins at that byte. Entries stay there that nobody needs in memory; for the others
  /// twice the memory would be needed where it grows.
  void begin_blocks(std::uint32_t ordinal, Part& part, const fs::path& file, std::uint64_t from,
                    std::uint64_t most) {
    // A writer gives a repetition lines or blocks. One that has both is checked as a whole.
    const bool has_lines = !part.repetition.records.empty() || !part.repetition.events.empty();
    if (options_.leave_large && !part.left && !has_lines) {
      part.left = std::make_shared<AsideFile>();
      part.left->path = file;
      part.left->ordinal = ordinal;
      part.left->bytes.from = from;
      if (part.announced) part.check.emplace(part.repetition, known_scenario());
      part.left->check = part.check;
    } else if (!part.left && part.repetition.records.capacity() == 0) {
      part.repetition.records.reserve(std::min(part.requests, most));
      part.repetition.events.reserve(std::min(part.events, most));
    }
  }

  template <class Entry>
  void take_entry(std::uint32_t ordinal, const Entry& entry, std::vector<Entry> RunRepetition::*entries,
                  std::size_t AsideFile::*left, std::size_t ImpossibleEntries::*impossible) {
    RunRepetition* to = open_part(ordinal);
    if (to == nullptr) return;
    Part& part = parts_[ordinal];
    if (!part.left) return (to->*entries).push_back(entry);
    std::string what = part.check ? part.check->check(entry) : "";
    ++(what.empty() ? (*part.left).*left : part.impossible.*impossible);
    if (part.impossible.first.empty()) part.impossible.first = std::move(what);
  }

  const Scenario* known_scenario() {
    if (!scenario_ && options_.scenario && has_header_) scenario_ = options_.scenario(run_.header);
    return scenario_ ? &*scenario_ : nullptr;
  }

  /// Where entries of that repetition go; null once it was checked, because nobody looks at later ones.
  RunRepetition* open_part(std::uint32_t ordinal) {
    Part& part = parts_[ordinal];
    if (!part.checked) return &part.repetition;
    if (late_.insert(ordinal).second)
      damage("repetition {} ({}): entries behind its end are left out", ordinal, part.repetition.arm);
    return nullptr;
  }

  /// Nothing more of it is to come: another one has begun, or the end is there. Before its header is read
  /// nothing is given: it says what the entries may name.
  void give(std::uint32_t ordinal) {
    if (!has_header_ && !at_end_) return;
    const auto part = parts_.find(ordinal);
    if (part == parts_.end() || part->second.given || !part->second.complete()) return;
    check(ordinal, part->second);
    part->second.given = true;
    if (options_.whole) options_.whole(part->second.repetition);
  }

  /// Leaves out what no writer can have written.
  void check(std::uint32_t ordinal, Part& part) {
    if (std::exchange(part.checked, true)) return;
    RunRepetition& repetition = part.repetition;
    repetition.aside = part.left;
    ImpossibleEntries found = drop_impossible(repetition, known_scenario());
    found.requests += part.impossible.requests;
    found.events += part.impossible.events;
    if (found.first.empty()) found.first = part.impossible.first;
    part.impossible = {};
    part.requests -= std::min<std::uint64_t>(part.requests, found.requests);
    part.events -= std::min<std::uint64_t>(part.events, found.events);
    if (!found.first.empty()) {
      damage("repetition {} ({}): {} of its requests and {} of its events cannot be and are left out: {}",
             ordinal, repetition.arm, found.requests, found.events, found.first);
    }
  }

  void take(std::uint64_t offset, std::string_view text) {
    ++lines_;
    Result<RunLine> decoded = decode(text);
    if (!decoded && lines_ == 1) other_schema_ = schema_before_checksums(text);
    if (!decoded) return damage("run.jsonl: byte {}: line {}: {}", offset, lines_, decoded.error().message);
    ++sound_;
    if (summary_) damage("run.jsonl: byte {}: a line after the summary", offset);
    std::visit([this, offset](auto&& value) { add(offset, std::forward<decltype(value)>(value)); },
               std::move(decoded.value()));
  }

  void add(std::uint64_t offset, RunHeader&& header) {
    if (has_header_) return damage("run.jsonl: byte {}: a second header", offset);
    if (const std::string what = impossible(header); !what.empty())
      return damage("run.jsonl: byte {}: {} cannot be", offset, what);
    has_header_ = true;
    run_.header = std::move(header);
  }

  void add(std::uint64_t offset, RepetitionLine&& line) {
    give(std::exchange(current_, line.ordinal));
    Part& part = parts_[line.ordinal];
    if (part.announced) return damage("run.jsonl: byte {}: repetition {} comes twice", offset, line.ordinal);
    if (const std::string what = impossible(line.repetition); !what.empty())
      return damage("run.jsonl: byte {}: {} cannot be", offset, what);
    static_cast<RepetitionFacts&>(part.repetition) = std::move(line.repetition);
    part.requests = line.requests;
    part.events = line.events;
    part.in_blocks = line.in_blocks;
    part.announced = true;
  }

  void add(std::uint64_t, RequestLine&& line) {
    if (RunRepetition* to = open_part(line.ordinal)) to->records.push_back(line.record);
  }
  void add(std::uint64_t, EventsLine&& line) {
    RunRepetition* to = open_part(line.ordinal);
    if (to != nullptr) to->events.insert(to->events.end(), line.events.begin(), line.events.end());
  }

  void add(std::uint64_t offset, SummaryLine&& line) {
    if (summary_) return;
    summary_ = line;
    // Where lines are damaged anyway, their number says nothing new.
    if (damages_ == 0 && line.lines + 1 != lines_) {
      damage("run.jsonl: byte {}: {} lines are missing before the summary", offset,
             static_cast<std::int64_t>(line.lines + 1) - static_cast<std::int64_t>(lines_));
    }
  }

  void add(std::uint64_t, OtherLine&&) {}
  void add(std::uint64_t, OtherSchema&& other) {
    if (other_schema_.empty()) other_schema_ = other.schema;
  }

  void check_parts() {
    at_end_ = true;
    for (auto& [ordinal, part] : parts_) {
      const RunRepetition& repetition = part.repetition;
      if (!part.announced) {
        damage("repetition {}: its line is lost, and with it {} requests and {} events", ordinal,
               part.requests_read(), part.events_read());
        continue;
      }
      if (!part.given && !part.complete()) {
        damage("repetition {} ({}): {} of {} requests and {} of {} events could be read", ordinal,
               repetition.arm, part.requests_read(), part.requests, part.events_read(), part.events);
      }
      give(ordinal);
      check(ordinal, part);
      run_.repetitions.push_back(std::move(part.repetition));
    }
  }

  void check_summary() {
    if (!summary_) {
      run_.summary.complete = false;
      run_.summary.reason =
          "the record ends without its summary: its writer was killed, or the file was cut off";
      return;
    }
    run_.summary = summary_->summary;
    if (summary_->repetitions != run_.repetitions.size())
      damage("{} of {} repetitions could be read", run_.repetitions.size(), summary_->repetitions);
  }

  const ReadOptions& options_;
  std::optional<Scenario> scenario_;
  Run run_;
  std::map<std::uint32_t, Part> parts_;  ///< by ordinal
  std::set<std::uint32_t> late_;         ///< ordinals of what had more entries behind its end
  bool at_end_ = false;
  std::uint32_t current_ = 0;  ///< the one that is being read
  std::optional<SummaryLine> summary_;
  std::uint64_t lines_ = 0;
  std::size_t sound_ = 0;
  std::size_t damages_ = 0;
  bool has_header_ = false;
  std::string other_schema_;
};

}  // namespace

Result<Run> read_run(const fs::path& path, const ReadOptions& options) {
  std::error_code error;
  const fs::path file = fs::is_directory(path, error) ? path / "run.jsonl" : path;
  InputFile reader(file);
  if (reader.error() == ENOENT || reader.error() == ENOTDIR) {
    return usage_error("no run at {}; `lab history` lists the runs there are", path.string());
  }
  if (reader.error() != 0) return system_error("open", file.string(), reader.error());
  Assembly assembly(options);
  RawLine line;
  while (reader.next(line)) assembly.line(line);
  if (reader.error() != 0) {
    assembly.damage("run.jsonl: byte {}: {}", line.offset, std::generic_category().message(reader.error()));
  }
  assembly.blocks(file.parent_path());
  return assembly.finish(path);
}

}  // namespace lab
