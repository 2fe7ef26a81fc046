#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <tuple>

#include "lab/core/process.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "results/store/disk.hpp"
#include "results/store/record_lines.hpp"
#include "results/store/store.hpp"

namespace lab {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kUnfinished = ".incomplete-";

/// Does a living process still hold the lock that a writer takes?
bool being_written(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool locked = ::flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
  ::close(fd);
  return locked;
}

/// The last line, where it is whole and sound.
std::optional<SummaryLine> last_line(InputFile& file) {
  constexpr std::uint64_t kSummaryBytes = 1 << 13;  // a summary is shorter; a longer last line is none
  file.seek_from_end(kSummaryBytes);
  RawLine line;
  RawLine last;
  while (file.next(line)) std::swap(last, line);
  if (!last.ended || last.offset == 0) return std::nullopt;
  const Result<RunLine> decoded = decode(last.text);
  const auto* summary = decoded ? std::get_if<SummaryLine>(&*decoded) : nullptr;
  return summary != nullptr ? std::optional(*summary) : std::nullopt;
}

/// Sets the header, or the problem.
void read_header(InputFile& file, RunListing& listing) {
  RawLine line;
  file.next(line);
  Result<RunLine> decoded = decode(line.text);
  if (!decoded) {
    listing.problem = fmt::format("run.jsonl: byte 0: {}", decoded.error().message);
  } else if (auto* header = std::get_if<RunHeader>(&*decoded)) {
    listing.header = std::move(*header);
    listing.header.scenario_source.clear();
    listing.header.environment.clear();
  } else if (const auto* other = std::get_if<OtherSchema>(&*decoded)) {
    listing.problem = fmt::format("of schema {}, which this program does not read", other->schema);
  } else {
    listing.problem = "run.jsonl does not begin with a header";
  }
}

RunListing list_run(const fs::path& folder) {
  RunListing listing;
  listing.path = folder;
  listing.name = folder.filename().string();
  InputFile file(folder / "run.jsonl");
  if (file.error() != 0) {
    listing.problem = fmt::format("run.jsonl: {}", std::generic_category().message(file.error()));
  } else {
    read_header(file, listing);
  }
  listing.readable = listing.problem.empty();
  listing.summary.complete = false;
  if (file.error() != 0) return listing;
  if (const std::optional<SummaryLine> summary = last_line(file)) {
    listing.summary = summary->summary;
    listing.repetitions = summary->repetitions;
    return listing;
  }
  const bool killed = listing.name.starts_with(kUnfinished);
  listing.summary.reason = killed ? "its writer was killed" : "the record ends without its summary";
  if (listing.problem.empty()) listing.problem = listing.summary.reason;
  return listing;
}

/// Sorts alike whether it comes from the header or, where that is damaged, from the folder's name.
std::string time_key(const RunListing& listing) {
  std::string key = listing.header.started_utc.empty() ? listing.name : listing.header.started_utc;
  if (key.starts_with(kUnfinished)) key.erase(0, kUnfinished.size());
  std::ranges::replace(key, ':', '-');
  return key.substr(0, 20);
}

bool newer(const RunListing& a, const RunListing& b) {
  // The second run of one second is `…-2`, the tenth `…-10`.
  const auto key = [](const RunListing& run) { return std::tuple(time_key(run), run.name.size(), run.name); };
  return key(a) > key(b);
}

/// Where the newest run of that name was not taken, or is not whole.
void warn_of_incomplete(const std::vector<RunListing>& runs, const RunListing& taken,
                        const std::string& name) {
  const auto newest = std::ranges::find_if(
      runs, [&](const RunListing& run) { return name == "last" || name == run.header.scenario; });
  const std::string& reason = newest->problem.empty() ? newest->summary.reason : newest->problem;
  if (&*newest != &taken) {
    print_warning(
        fmt::format("{} is {}: the newer {} is incomplete ({})", name, taken.name, newest->name, reason));
  } else if (!taken.readable || !taken.summary.complete) {
    print_warning(fmt::format("{} is {}, which is incomplete ({}); there is no complete one", name,
                              taken.name, reason));
  }
}

fs::path home_folder() {
  const char* home = std::getenv("HOME");
  if (home != nullptr && *home != '\0') return home;
  const passwd* user = ::getpwuid(::getuid());
  return user != nullptr && user->pw_dir != nullptr ? fs::path(user->pw_dir) : fs::path("/");
}

}  // namespace

Result<std::vector<RunListing>> list_runs(const fs::path& folder) {
  std::vector<RunListing> listings;
  std::error_code error;
  fs::directory_iterator entries(folder, error);
  if (error == std::errc::no_such_file_or_directory) return listings;
  for (; !error && entries != fs::directory_iterator(); entries.increment(error)) {
    std::error_code ignored;
    if (!entries->is_directory(ignored)) continue;
    const bool unfinished = entries->path().filename().string().starts_with(kUnfinished);
    if (unfinished && being_written(entries->path() / "run.jsonl")) continue;
    listings.push_back(list_run(entries->path()));
  }
  if (error) return environment_error("cannot list the runs in {}: {}", folder.string(), error.message());
  std::ranges::sort(listings, newer);
  return listings;
}

const RunListing* named_run(const std::vector<RunListing>& runs, std::string_view name) {
  const RunListing* incomplete = nullptr;
  for (const RunListing& run : runs) {
    if (name == run.name) return &run;
    if (name != "last" && name != run.header.scenario) continue;
    if (run.readable && run.summary.complete) return &run;
    if (incomplete == nullptr) incomplete = &run;
  }
  return incomplete;
}

fs::path find_run(const std::string& name) {
  std::error_code ignored;
  if (fs::exists(name, ignored)) return name;
  const std::vector<RunListing> runs = list_runs(default_runs_folder()).value();
  if (const RunListing* run = named_run(runs, name)) {
    if (name != run->name) warn_of_incomplete(runs, *run, name);
    return run->path;
  }
  const std::vector<std::string> names = ids_of(runs);
  if (names.empty())
    throw Failure(usage_error("no run '{}': nothing has been recorded yet; see lab run", name));
  const auto near = nearest_word(name, names);
  throw Failure(usage_error("no run '{}'{}; see lab history", name,
                            near ? fmt::format(" (did you mean '{}'?)", *near) : ""));
}

fs::path default_runs_folder() {
  const std::optional<fs::path> root = checkout_root();
  return root ? *root / "results" / "runs" : user_runs_folder();
}

fs::path user_runs_folder() {
  const char* data = std::getenv("XDG_DATA_HOME");
  // The XDG base directory specification: a relative path is to be ignored.
  const fs::path base =
      data != nullptr && fs::path(data).is_absolute() ? fs::path(data) : home_folder() / ".local" / "share";
  return base / "lab" / "runs";
}

fs::path recordings_folder() {
  if (const auto root = checkout_root()) return *root / "results" / "reference";
  return installed_share() / "reference";
}

}  // namespace lab
