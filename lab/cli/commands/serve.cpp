#include <optional>

#include "lab/cli/command.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/fixtures.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/supervisor/server.hpp"
#include "scenarios/loader/code_line.hpp"

namespace lab {

namespace {

struct ServeOptions {
  std::string mode, scenario, arm, host = "127.0.0.1", postgres;
  std::optional<std::uint16_t> port;
  std::optional<int> workers, threads;
  RunOptions run;
  bool log = false;
};

const Mode& mode_named(const std::string& name) {
  if (const Mode* mode = find_mode(name)) return *mode;
  std::vector<std::string> names;
  for (const Mode* mode : all_modes()) names.emplace_back(mode->traits.name);
  throw Failure(usage_error("unknown execution model '{}'{}", name, suggestion(name, names)));
}

/// The arm that is to be served: the named one, else the first that runs in the given mode, else the mode
/// itself on all routes of the scenario.
Arm choose_arm(const Scenario& scenario, const ServeOptions& options) {
  if (!options.arm.empty()) return arm_named(scenario, "--arm", options.arm);
  if (options.mode.empty()) return scenario.arms.front();
  const Traits& traits = mode_named(options.mode).traits;
  for (const Arm& arm : scenario.arms) {
    if (arm.mode_name() == traits.name) return arm;
  }
  Arm arm;
  arm.id = traits.name;
  arm.modes.assign(scenario.routes.size(), traits);
  return arm;
}

Case every_route(const Scenario& scenario) {
  Case load_case;
  load_case.loads.resize(scenario.routes.size());
  for (std::size_t route = 0; route < scenario.routes.size(); ++route) load_case.loads[route].route = route;
  return load_case;
}

ServerSetup make_setup(const ServeOptions& options, std::optional<Fixtures>& fixtures) {
  constexpr std::uint16_t kUsualPort = 8000;
  ServerSetup setup;
  if (!options.scenario.empty()) {
    Scenario scenario = load_scenario(options.scenario, known_modes(), options.run.overrides).value();
    setup.arm = choose_arm(scenario, options);
    fixtures = Fixtures::prepare(scenario, options.postgres);
    if (const auto reason = fixtures->unsupported_reason(scenario, setup.arm, every_route(scenario)))
      throw Failure(environment_error("{}", *reason));
    setup.rates = calibrate_scenario(scenario, false);
    setup.routes = scenario.routes;
    setup.port = scenario.port;
    fixtures->apply_to(setup);
  } else {
    refuse_if(!options.postgres.empty(), "--postgres goes with --scenario");
    refuse_if(options.mode.empty(),
              "name an execution model, such as lab serve async-loop, or a scenario with --scenario");
    refuse_if(!options.arm.empty(), "--arm goes with --scenario");
    refuse_if(!options.run.given.empty(),
              "--set and --delay go with --scenario; without one, use /delay?ms=100");
    setup.arm.id = options.mode;
    setup.arm.modes = {mode_named(options.mode).traits};
    setup.builtin_routes = true;
  }
  setup.host = options.host;
  setup.port = options.port.value_or(setup.port != 0 ? setup.port : kUsualPort);
  setup.log = options.log;
  setup.arm.workers = options.workers.value_or(setup.arm.workers);
  setup.arm.threads = options.threads.value_or(setup.arm.threads);
  refuse_if(options.threads && !needs_pool(setup.routes, setup.arm) && !setup.arm.uses(Resource::thread),
            "--threads: {} has neither a pool nor threads", setup.arm.mode_name());
  return setup;
}

constexpr const char* kBuiltinRoutes =
    "/ greets (a browser: lists routes), /delay?ms=100 waits, /cpu?ms=100 computes, /ping answers at once";

int serve(const ServeOptions& options) {
  std::optional<Fixtures> fixtures;
  const ServerSetup setup = make_setup(options, fixtures);
  if (!is_loopback(setup.host)) {
    print_warning(
        fmt::format("with --host {} everybody on the network can make this machine wait and compute: no "
                    "password, no encryption",
                    setup.host));
  }
  return serve_here(setup, nullptr, [&](std::uint16_t port, const std::vector<pid_t>& workers) {
    // One line on stdout is the contract; for people the routes stand on stderr.
    print(fmt::format("listening on http://{}:{} mode={} pid={} workers={}\n", setup.host, port,
                      setup.arm.mode_name(), getpid(), workers.size()));
    if (setup.builtin_routes) print_error("routes: {}\n", kBuiltinRoutes);
    for (const Route& route : setup.routes) print_error("route: {}\n", describe_route(route));
  });
}

}  // namespace

Command serve_command() {
  Command command(
      "serve", "one server by itself until Ctrl-C, for curl, wrk or a browser",
      fmt::format("Example: lab serve blocking-loop --workers 4 --port 0\nRoutes without a scenario: {}\n"
                  "kill -HUP PID starts other workers while the old ones finish what is in flight",
                  kBuiltinRoutes));
  ServeOptions& options = command.runs<ServeOptions>(serve);
  command.text("mode", "MODE", options.mode, "the execution model");
  command.text("--scenario", "SCENARIO", options.scenario, "serve this scenario's routes");
  command.text("--arm", "ARM", options.arm, "the arm of the scenario (the first one of that mode)");
  command.count("--port", "PORT", options.port, 0, 65535, "the port; 0: the kernel chooses one")
      .shows("the scenario's, or 8000");
  command.text("--host", "ADDRESS", options.host, "the address to listen on").shows("127.0.0.1");
  command.count("--workers", "W", options.workers, 1, 256, "worker processes");
  command.count("--threads", "P", options.threads, 1, 10'000,
                "threads of the pool, or of thread-per-request");
  add_run_option(command, options.run, "set", "a parameter of the scenario, as d=1s");
  add_run_option(command, options.run, "delay", "the scenario's d");
  command.text("--postgres", "URL", options.postgres,
               "the PostgreSQL server for query steps: a connection string, or local");
  command.flag("--log", options.log, "print a line when a request starts, ends and is answered, on stderr");
  return command;
}

}  // namespace lab
