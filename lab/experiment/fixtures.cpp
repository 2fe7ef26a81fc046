#include "lab/experiment/fixtures.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "lab/core/paths.hpp"
#include "lab/experiment/interrupt.hpp"
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

template <class Action>
bool contains(const Route& route, const auto& accepts) {
  bool found = false;
  const auto look = [&](const Step& step) {
    if (const auto* action = std::get_if<Action>(&step.action)) found |= accepts(*action);
  };
  for (const Dependency& dependency : route.depends) for_each_step(dependency.steps, look);
  for_each_step(route.plan, look);
  return found;
}

template <class Action>
bool contains(const Route& route) {
  return contains<Action>(route, [](const Action&) { return true; });
}

bool reads_files(const Route& route) {
  return contains<Compute>(route, [](const Compute& compute) { return compute.work == Work::file_read; });
}

bool loads_route(const Case& load_case, std::size_t route) {
  return std::any_of(load_case.loads.begin(), load_case.loads.end(), [&](const Load& load) {
    return load.route == route || (load.then && load.then->route == route);
  });
}

template <class Change>
void change_computing(Scenario& scenario, const Change& change) {
  for (Route& route : scenario.routes) {
    for (Dependency& dependency : route.depends) change_computing(dependency.steps, change);
    change_computing(route.plan, change);
  }
}

/// Bytes that are really there, written and therefore in the page cache.
Result<void> make_file(const fs::path& path, std::int64_t bytes) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return system_error("open", path.string(), errno);
  const std::vector<char> block(1 << 20, 'x');
  struct statvfs disk {};
  if (fstatvfs(fd, &disk) == 0 &&
      static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize) < static_cast<double>(bytes)) {
    close(fd);
    return environment_error("{} has no room for a file of {} MB to be read; choose a smaller one, or TMPDIR",
                             path.parent_path().string(), bytes / 1'000'000);
  }
  int problem = 0;
  for (std::int64_t left = bytes; left > 0 && problem == 0;) {
    const auto size =
        static_cast<std::size_t>(std::min<std::int64_t>(left, static_cast<std::int64_t>(block.size())));
    const ssize_t written = write(fd, block.data(), size);
    if (written < 0 && errno != EINTR) problem = errno;
    if (written > 0) left -= written;
    if (interrupt_signal() != 0) problem = EINTR;
  }
  close(fd);
  if (problem != 0)
    return system_error("write", fmt::format("{} ({} MB to be read)", path.string(), bytes / 1'000'000),
                        problem);
  return {};
}

/// A file that a scenario names must be there, regular and not empty.
Result<std::int64_t> size_of_file(const std::string& path) {
  struct stat entry {};
  if (stat(path.c_str(), &entry) != 0)
    return usage_error("read: there is no file {}; write read = \"64MB\" for one that the lab makes", path);
  if (!S_ISREG(entry.st_mode)) return usage_error("read: {} is no regular file", path);
  if (entry.st_size == 0) return usage_error("read: {} is empty", path);
  if (access(path.c_str(), R_OK) != 0) return usage_error("read: {} may not be read", path);
  return static_cast<std::int64_t>(entry.st_size);
}

Result<void> provide_files(Scenario& scenario, const fs::path& folder) {
  std::int64_t largest = 0;
  std::optional<Error> problem;
  change_computing(scenario, [&](Compute& compute) {
    if (compute.work != Work::file_read) return;
    if (compute.file.empty()) {
      largest = std::max(largest, compute.units);
      return;
    }
    const auto size = size_of_file(compute.file);
    if (!size) {
      problem = size.error();
    } else if (compute.units == 0) {
      compute.units = *size;
    }
  });
  if (problem) return *problem;
  if (largest == 0) return {};
  const fs::path path = folder / "file";
  if (auto made = make_file(path, largest); !made) return made.error();
  change_computing(scenario, [&](Compute& compute) {
    if (compute.work == Work::file_read && compute.file.empty()) compute.file = path.string();
  });
  return {};
}

/// PostgreSQL itself reads what the scenario wants to ask, before anybody asks it.
Result<void> check_queries(const std::vector<Route>& routes, const std::string& postgres) {
  std::vector<std::string> texts;
  for (const Route& route : routes) {
    contains<Query>(route, [&](const Query& query) {
      if (!query.sql.empty()) texts.push_back(query.sql);
      return false;
    });
  }
  return check_sql(postgres, texts);
}

Result<Server> start_upstream() {
  ServerSetup setup;
  setup.arm.id = "upstream";
  setup.arm.modes = {find_mode("async-loop")->traits};
  setup.builtin_routes = true;
  return Server::start(setup, nullptr);
}

std::string rate_key(std::size_t kind) {
  return fmt::format("rate of {}", to_string(static_cast<Work>(kind)));
}

}  // namespace

Result<Fixtures> Fixtures::prepare(Scenario& scenario, const std::string& postgres) {
  Fixtures surroundings;
  const std::vector<Route>& routes = scenario.routes;
  const bool stores = std::any_of(scenario.arms.begin(), scenario.arms.end(),
                                  [](const Arm& arm) { return arm.shared_counters; });
  if (stores || std::any_of(routes.begin(), routes.end(), reads_files)) {
    auto folder = TemporaryFolder::create("lab-files");
    if (!folder) return folder.error();
    surroundings.folder_ = std::move(*folder);
    if (auto provided = provide_files(scenario, surroundings.folder_.path()); !provided)
      return provided.error();
  }
  const bool queries =
      std::any_of(routes.begin(), routes.end(), [](const Route& route) { return contains<Query>(route); });
  if (queries && postgres == "local") {
    auto local = LocalPostgres::start();
    if (!local) return local.error();
    surroundings.local_postgres_ = std::move(*local);
    surroundings.postgres_ = surroundings.local_postgres_.url();
  } else if (queries && !postgres.empty()) {
    if (auto answers = try_postgres(postgres); !answers)
      return environment_error("--postgres: {}", answers.error().message);
    surroundings.postgres_ = postgres;
  }
  if (!surroundings.postgres_.empty()) {
    if (auto good = check_queries(routes, surroundings.postgres_); !good) return good.error();
  }
  const bool calls = std::any_of(routes.begin(), routes.end(),
                                 [](const Route& route) { return contains<CallUpstream>(route); });
  if (calls) {
    auto upstream = start_upstream();
    if (!upstream) return upstream.error();
    surroundings.upstream_ = std::move(*upstream);
  }
  return surroundings;
}

std::optional<std::string> Fixtures::unsupported_reason(const Scenario& scenario, const Arm& arm,
                                                        const Case& load_case) const {
  if (arm.backend == Backend::io_uring) build_backend();
  if (auto available = backend_available(arm.backend); !available) return available.error().message;
  const auto needs_curl = [](const Load& load) { return load.client_process; };
  if (std::any_of(load_case.loads.begin(), load_case.loads.end(), needs_curl) && !find_program("curl"))
    return "no curl, which its clients are (apt-get install curl)";
  for (std::size_t route = 0; route < scenario.routes.size(); ++route) {
    if (!loads_route(load_case, route) || !postgres_.empty()) continue;
    if (contains<Query>(scenario.routes[route])) return "no PostgreSQL (--postgres local)";
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
    if (contains<Query>(route)) {
      route.plan.clear();
      route.depends.clear();
    }
  }
}

Result<WorkRates> calibrate_scenario(Scenario& scenario, bool only_open) {
  TemporaryFolder folder;
  if (only_open) {
    bool open = false;
    bool reads = false;
    change_computing(scenario, [&](const Compute& compute) {
      open |= compute.duration == 0 && compute.units > 0;
      reads |= compute.work == Work::file_read;
    });
    if (!open) return WorkRates{};
    if (reads) {
      auto created = TemporaryFolder::create("lab-files");
      if (!created) return created.error();
      folder = std::move(*created);
      if (auto provided = provide_files(scenario, folder.path()); !provided) return provided.error();
    }
  }
  auto rates = calibrate(scenario.routes);
  if (!rates) return rates.error();
  for (Route& route : scenario.routes) apply_rates(route, *rates);
  return *rates;
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
