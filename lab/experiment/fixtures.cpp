#include "lab/experiment/fixtures.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "lab/core/interrupt.hpp"
#include "lab/core/process.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/steps/work.hpp"

namespace lab {

namespace fs = std::filesystem;

namespace {

/// `labw` leaves the program on io_uring unbuilt until an arm asks for it, as it takes half a minute that
/// most users never need. It passes its own path in LAB_BUILD. A failed build shows in `backend_available`.
void build_backend() {
  static const bool kBuilt =
      std::getenv("LAB_BUILD") != nullptr && std::system(R"("$LAB_BUILD" build io-uring >&2)") == 0;
  static_cast<void>(kBuilt);
}

bool asks_database(const Route& route) {
  return has_step<Query>(route);
}

bool reads_files(const Step& step) {
  return step.is<Compute>() && step.as<Compute>()->work == Work::file_read;
}

bool loads_route(const Case& load_case, std::size_t route) {
  return std::ranges::any_of(load_case.loads, [&](const Load& load) {
    return load.route == route || (load.then && load.then->route == route);
  });
}

/// Bytes that are really there, written and therefore in the page cache.
void make_file(const fs::path& path, std::int64_t bytes) {
  const UniqueFd file(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file.valid()) throw Failure(system_error("open", path.string(), errno));
  std::error_code unknown;
  const auto room = fs::space(path.parent_path(), unknown).available;
  if (!unknown && room < static_cast<std::uintmax_t>(bytes)) {
    throw Failure(environment_error(
        "{} has no space for the file of {} MB that the scenario reads; choose a smaller one, or set TMPDIR",
        path.parent_path().string(), bytes / 1'000'000));
  }
  const std::string block(1 << 20, 'x');
  for (std::int64_t left = bytes; left > 0; left -= std::ssize(block)) {
    const auto size = static_cast<std::size_t>(std::min(left, std::ssize(block)));
    const bool written = write_all(file.get(), std::string_view(block).substr(0, size));
    if (written && interrupt_signal() == 0) continue;
    throw Failure(system_error("write",
                               fmt::format("{} ({} MB to be read)", path.string(), bytes / 1'000'000),
                               written ? EINTR : errno));
  }
}

/// A file that a scenario names must be there, regular and not empty.
std::int64_t size_of_file(const std::string& path) {
  struct stat entry {};
  refuse_if(stat(path.c_str(), &entry) != 0,
            "read: there is no file {}; write read = \"64MB\" for one that the lab makes", path);
  const char* const wrong = !S_ISREG(entry.st_mode)           ? "is not a regular file"
                            : entry.st_size == 0              ? "is empty"
                            : access(path.c_str(), R_OK) != 0 ? "cannot be read"
                                                              : nullptr;
  refuse_if(wrong != nullptr, "read: {} {}", path, wrong == nullptr ? "" : wrong);
  return static_cast<std::int64_t>(entry.st_size);
}

void provide_files(Scenario& scenario, const fs::path& folder) {
  std::int64_t largest = 0;
  const fs::path made = folder / "file";
  const auto provide = [&](Compute& compute) {
    if (compute.work != Work::file_read) return;
    if (compute.file.empty()) {
      largest = std::max(largest, compute.units);
      if (compute.units > 0) compute.file = made.string();
    } else {
      const std::int64_t size = size_of_file(compute.file);
      if (compute.units == 0) compute.units = size;
    }
  };
  for (Route& route : scenario.routes) change_computing(route, provide);
  if (largest > 0) make_file(made, largest);
}

/// PostgreSQL itself reads what the scenario wants to ask, before anybody asks it.
void check_queries(const std::vector<Route>& routes, const std::string& postgres) {
  std::vector<std::string> texts;
  for (const Route& route : routes) {
    for_each_step(route, [&](const Step& step) {
      const auto* query = step.as<Query>();
      if (query != nullptr && !query->sql.empty()) texts.push_back(query->sql);
    });
  }
  check_sql(postgres, texts).value();
}

Server start_upstream() {
  ServerSetup setup;
  setup.arm.id = "upstream";
  setup.arm.modes = {find_mode("async-loop")->traits};
  setup.builtin_routes = true;
  return Server::start(setup, nullptr).value();
}

std::string rate_key(std::size_t kind) {
  return fmt::format("rate of {}", to_string(static_cast<Work>(kind)));
}

}  // namespace

Fixtures Fixtures::prepare(Scenario& scenario, const std::string& postgres) {
  TemporaryFolder::remove_left_overs();
  Fixtures fixtures;
  const std::vector<Route>& routes = scenario.routes;
  const bool stores = std::ranges::any_of(scenario.arms, &Arm::shared_counters);
  if (stores || any_step(scenario, reads_files)) {
    fixtures.folder_ = TemporaryFolder::create("lab-files").value();
    provide_files(scenario, fixtures.folder_.path());
  }
  if (!postgres.empty() && std::ranges::any_of(routes, asks_database)) {
    fixtures.postgres_ = postgres;
    if (postgres == "local") {
      fixtures.local_postgres_ = LocalPostgres::start().value();
      fixtures.postgres_ = fixtures.local_postgres_.url();
    } else {
      about("--postgres", try_postgres(postgres)).value();
    }
    check_queries(routes, fixtures.postgres_);
  }
  if (any_step(scenario, [](const Step& step) { return step.is<CallUpstream>(); }))
    fixtures.upstream_ = start_upstream();
  return fixtures;
}

std::optional<std::string> Fixtures::unsupported_reason(const Scenario& scenario, const Arm& arm,
                                                        const Case& load_case) const {
  if (arm.backend == Backend::io_uring) build_backend();
  if (auto available = backend_available(arm.backend); !available) return available.error().message;
  const auto needs_curl = [](const Load& load) { return load.client_process; };
  if (std::ranges::any_of(load_case.loads, needs_curl) && !find_program("curl"))
    return "curl is missing, which sends its requests (apt-get install curl)";
  for (std::size_t route = 0; route < scenario.routes.size(); ++route) {
    if (!loads_route(load_case, route) || !postgres_.empty()) continue;
    if (asks_database(scenario.routes[route])) return "no PostgreSQL (--postgres local)";
  }
  return std::nullopt;
}

void Fixtures::apply_to(ServerSetup& setup) {
  setup.postgres = postgres_;
  if (upstream_.port() != 0) setup.upstream_port = upstream_.port();
  if (!folder_.path().empty())
    setup.store = (folder_.path() / fmt::format("store-{}.db", ++stores_)).string();
  clear_unasked(setup.routes);
}

void Fixtures::clear_unasked(std::vector<Route>& routes) const {
  if (!postgres_.empty()) return;
  for (Route& route : routes) {
    if (asks_database(route)) {
      route.plan.clear();
      route.depends.clear();
    }
  }
}

WorkRates calibrate_scenario(Scenario& scenario, bool only_open) {
  TemporaryFolder folder;
  if (only_open) {
    const auto is_open = [](const Step& step) {
      const auto* compute = step.as<Compute>();
      return compute != nullptr && compute->duration == 0 && compute->units > 0;
    };
    if (!any_step(scenario, is_open)) return {};
    if (any_step(scenario, reads_files)) {
      folder = TemporaryFolder::create("lab-files").value();
      provide_files(scenario, folder.path());
    }
  }
  const WorkRates rates = calibrate(scenario.routes).value();
  for (Route& route : scenario.routes) apply_rates(route, rates);
  return rates;
}

void record_rates(const WorkRates& rates, RunHeader& header) {
  for (std::size_t kind = 0; kind < rates.size(); ++kind) {
    if (rates[kind] > 0)
      header.environment.emplace_back(rate_key(kind), fmt::format("{:.6g} units/s", rates[kind]));
  }
}

WorkRates recorded_rates(const RunHeader& header) {
  WorkRates rates{};
  for (std::size_t kind = 0; kind < rates.size(); ++kind) {
    for (const auto& [key, value] : header.environment) {
      if (key == rate_key(kind)) rates[kind] = std::strtod(value.c_str(), nullptr);
    }
  }
  return rates;
}

}  // namespace lab
