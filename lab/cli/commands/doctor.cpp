#include <sys/resource.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <system_error>
#include <vector>

#include "harness/client/load_team.hpp"
#include "harness/external/postgres.hpp"
#include "harness/statistics/statistics.hpp"
#include "harness/trace/machine.hpp"
#include "lab/cli/command.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/process.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/foreign_servers.hpp"
#include "lab/servers/supervisor/backend.hpp"
#include "lab/servers/supervisor/server.hpp"
#include "results/render/page.hpp"
#include "results/store/store.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

/// What was found and what that means, in two columns.
std::string row(const std::string& what, const std::string& found, const std::string& means = "") {
  return tagged(what, found + (means.empty() ? "" : "; " + means), {}, 18);
}

/// How much later than asked a sleeping thread wakes: 200 sleeps of 1 ms. Median and worst, in nanoseconds.
std::pair<Nanos, Nanos> wake_up_lateness() {
  std::vector<double> late;
  for (int i = 0; i < 200; ++i) {
    const Nanos due = monotonic_now() + kMillisecond;
    sleep_until(due);
    late.push_back(static_cast<double>(monotonic_now() - due));
  }
  return {static_cast<Nanos>(*nearest_rank(late, 0.5)), static_cast<Nanos>(*nearest_rank(late, 1.0))};
}

std::string file_limit() {
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return fmt::format("{} open files, up to {}", limit.rlim_cur, limit.rlim_max);
}

std::string writable(const std::filesystem::path& folder) {
  std::filesystem::path nearest = folder;
  std::error_code ignored;
  while (!nearest.empty() && !std::filesystem::exists(nearest, ignored)) nearest = nearest.parent_path();
  return access(nearest.c_str(), W_OK) == 0 ? "" : "cannot be written: runs need --save DIR or --no-save";
}

std::string helper_rows() {
  /// Something that the lab can do without; found where one of its programs is.
  struct Helper {
    const char* package;
    std::vector<const char*> programs;
    const char* absence;
  };
  const Helper helpers[] = {
      {"nodejs", {"node"}, "--engine node cannot run"},
      {"wrk", {"wrk"}, "bench/against_wrk.py cannot run; no verb needs it"},
      {"curl", {"curl"}, "loads from client processes are left out (forgotten-await)"},
      {"librsvg2-bin", {"rsvg-convert"}, "--format png cannot draw"},
      {"chromium", {"chromium", "chromium-browser", "google-chrome"}, "nothing here needs it"}};
  std::string text;
  for (const auto& [package, programs, absence] : helpers) {
    std::string found;
    for (const char* program : programs) {
      if (found.empty()) found = find_program(program).value_or("").string();
    }
    text += found.empty()
                ? row(programs.front(), "missing", fmt::format("{} (apt-get install {})", absence, package))
                : row(programs.front(), found);
  }
  return text;
}

std::string database_row() {
  const std::filesystem::path programs = postgres_programs();
  if (!programs.empty()) return row("postgresql", programs.string());
  return row("postgresql", "missing",
             "sync-driver and connection-pool run only with --postgres URL (apt-get install postgresql)");
}

/// FastAPI and what its servers, clients and drivers are, each by version.
std::string fastapi_row() {
  const std::string python = ForeignOptions{}.python;
  const std::string fix = "--engine recorded shows what it did elsewhere (./labw setup --with fastapi)";
  const auto found = look_for_modules(python, {"fastapi", "uvicorn", "uvloop", "httptools", "gunicorn",
                                               "httpx", "requests", "psycopg2", "asyncpg", "websockets"});
  if (!found) return row("fastapi", "missing", found.error().message + "; " + fix);
  std::vector<std::string> there;
  std::vector<std::string> missing;
  for (const auto& [name, version] : *found) {
    version.empty() ? missing.push_back(name) : there.push_back(name + " " + version);
  }
  std::string means = missing.empty() ? "" : "missing: " + join(missing, ", ");
  if (!missing.empty()) means += "; arms that need them are left out; " + fix;
  return row("fastapi", join(there, ", "), means);
}

std::string io_uring_row() {
  const auto available = backend_available(Backend::io_uring);
  if (available) return row("io_uring", "usable");
  if (std::getenv("LAB_BUILD") != nullptr && !io_uring_program(program_path().parent_path()))
    return row("io_uring", "not built", "labw builds it when an arm asks for it");
  return row("io_uring", "not usable", available.error().message + "; the arm of loop-backend is left out");
}

std::string mpi_row() {
  if (const auto plugin = mpi_plugin()) {
    const bool starts = find_program("mpirun").has_value();
    return row("mpi", plugin->string(), starts ? "" : "mpirun is missing (apt-get install openmpi-bin)");
  }
  return row("mpi", "missing",
             "mpirun -n 4 lab load cannot share a load (apt-get install libopenmpi-dev, then ./labw build)");
}

int doctor() {
  const NoiseMeter noise;
  const Environment environment = describe_environment();
  std::string text = row("lab", version());
  text += row("cores", std::to_string(environment.cores),
              environment.cores < 2 ? "client and server share one core: results are inflated" : "");
  text += row("kernel", environment.kernel);
  for (const auto& [key, value] : environment.details) {
    if (key != "version" && key != "boost") text += row(key, value);
  }
  const auto [median, worst] = wake_up_lateness();
  text +=
      row("wake-up",
          fmt::format("{} late at the median, {} at worst", format_duration(median), format_duration(worst)),
          median > 200 * kMicrosecond ? "slow timers: every wait is measured so much too long" : "");
  text += row("limits", file_limit());
  text += row("noise", noise.verdict());
  const std::vector<std::string> scenarios = scenario_names();
  text += row("scenarios", fmt::format("{} found", scenarios.size()),
              scenarios.empty() ? "set LAB_SCENARIOS to their folder" : "");
  const std::filesystem::path runs = default_runs_folder();
  text += row("runs", runs.string(), writable(runs));
  if (access("/proc/pressure/cpu", R_OK) != 0)
    text += row("/proc/pressure", "missing", "runs do not record it");
  if (const std::string_view missing = missing_parts(); !missing.empty()) {
    text += row("this program", fmt::format("statically linked, without {}", missing),
                "the Debian package and ./labw have them");
  }
  text += database_row();
  text += fastapi_row();
  text += io_uring_row();
  text += mpi_row();
  text += helper_rows();
  print(text);
  return 0;
}

}  // namespace

Command doctor_command() {
  Command command("doctor", "what this machine has, and what does not work without the rest",
                  "Example: lab doctor");
  command.run = doctor;
  return command;
}

}  // namespace lab
