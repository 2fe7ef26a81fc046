#include "lab/experiment/foreign_servers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <set>

#include "harness/trace/machine.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/fixtures.hpp"
#include "lab/servers/mode.hpp"

namespace lab {

namespace {

constexpr Nanos kShortProgram = 20 * kSecond;  // Python with all of its modules starts within one
constexpr Nanos kPatience = 30 * kSecond;
constexpr const char* kSetup = "./labw setup --with fastapi";

/// The least versions that the exported files are written for; what Debian 12 has.
const std::map<std::string, std::string> kLeast{{"python", "3.9"}, {"fastapi", "0.92"}, {"uvicorn", "0.17"}};

/// What a short program prints, by lines.
Result<std::vector<std::string>> output_of(const SupervisedProgram& program) {
  LAB_TRY(const Supervisor ended, run_to_end(program, kShortProgram));
  return ended.last_lines(100);
}

/// The same, asked once in the life of this process: verify prepares dozens of experiments one after another.
Result<std::vector<std::string>> known_output_of(const std::string& key, const SupervisedProgram& program) {
  static std::map<std::string, std::vector<std::string>> known;
  const auto found = known.find(key);
  if (found != known.end()) return found->second;
  auto lines = output_of(program);
  if (lines) known[key] = *lines;
  return lines;
}

bool older(const std::string& version, const std::string& least) {
  return version != "?" && strverscmp(version.c_str(), least.c_str()) < 0;
}

std::string roots_key(const std::string& engine) {
  return fmt::format("{} adds roots at", engine);
}

bool is_python(const EngineArm& arm) {
  return arm.engine == kFastapi;
}

void add_exported(const Scenario& scenario, const Arm& arm, std::string_view engine,
                  std::vector<EngineArm>& arms) {
  auto exported =
      export_variants(scenario, arm, engine == kNode ? ExportTarget::node : ExportTarget::fastapi);
  if (!exported) arms.push_back({std::string(engine), arm, {}, exported.error().message, arm.id, ""});
  if (!exported) return;
  for (auto& [runtime, server] : *exported) {
    EngineArm one{std::string(engine), server.arm, std::move(server), "", arm.id, runtime};
    one.arm.id = arm.id;
    if (!runtime.empty()) one.arm.id += "@" + runtime;
    one.arm.documented = arm.documented;
    arms.push_back(std::move(one));
  }
}

/// What a server would need that does nothing but the plan: no request waits for another one, and cores are
/// all that they share.
Arm plan_alone(const Scenario& scenario, std::size_t number) {
  Arm arm;
  arm.id = number == 0 ? kServer : fmt::format("{}-{}", kServer, number + 1);
  arm.label = "your own";
  Traits traits = find_mode("async-loop")->traits;
  traits.name = kServer;
  traits.fastapi = "your own";
  arm.modes.assign(scenario.routes.size(), traits);
  constexpr std::int64_t kEnough = 4'096;
  std::int64_t requests = 1;
  for (const Case& load_case : scenario.cases) requests = std::max(requests, load_case.requests());
  arm.workers = static_cast<int>(std::min(requests, kEnough));
  return arm;
}

}  // namespace

Result<Modules> look_for_modules(const std::string& python, const std::vector<std::string>& modules) {
  // Import nothing: that is slow, and a broken module would hide the others.
  constexpr const char* kScript =
      "import sys\n"
      "sys.path.pop(0)\n"  // the folder that it runs in, whose files may bear any name
      "import importlib.util, importlib.metadata\n"
      "print('python', sys.version.split()[0])\n"
      "for name in sys.argv[1:]:\n"
      "    try: there = importlib.util.find_spec(name) is not None\n"
      "    except Exception: there = False\n"
      "    try: version = importlib.metadata.version(name)\n"
      "    except Exception: version = '?'\n"
      "    print(name, version if there else '')\n";
  SupervisedProgram program{{python, "-c", kScript}, "", {}};
  program.arguments.insert(program.arguments.end(), modules.begin(), modules.end());
  LAB_TRY(const auto lines, known_output_of(join(program.arguments, "\n"), program));
  Modules found;
  for (const std::string& line : lines) {
    const std::size_t space = line.find(' ');
    found[line.substr(0, space)] = space == std::string::npos ? "" : line.substr(space + 1);
  }
  return found;
}

ForeignServers ForeignServers::prepare(const Scenario& scenario, const std::vector<EngineArm>& arms,
                                       ForeignOptions options) {
  ForeignServers foreign;
  foreign.options_ = std::move(options);
  for (const Route& route : scenario.routes) {
    for_each_step(route, [&](const Step& step) {
      if (const auto* compute = step.as<Compute>(); compute && !compute->file.empty())
        foreign.data_file_ = compute->file;
    });
  }
  for (const std::string& line : foreign.options_.servers) {
    foreign.commands_.push_back(about("--server", split_command(line)).value());
    refuse_if(line.find("{port}") == std::string::npos,
              "--server: '{}' has no {{port}}; the lab chooses one and puts it there", line);
  }
  make_probe(with_port(foreign.options_.ready, 1), 1).value();
  std::set<std::string> modules;
  bool node = false;
  for (const EngineArm& arm : arms) {
    if (!arm.source) continue;
    if (is_python(arm)) modules.insert(arm.source->modules.begin(), arm.source->modules.end());
    node = node || arm.engine == kNode;
  }
  if (!modules.empty()) {
    if (auto found = look_for_modules(foreign.options_.python, {modules.begin(), modules.end()})) {
      foreign.modules_ = std::move(*found);
    } else {
      foreign.broken_[kFastapi] = found.error().message;
    }
    for (const auto& [name, version] : foreign.modules_) {
      if (!version.empty()) foreign.environment_.emplace_back(name, version);
    }
  }
  if (node) {
    auto version = output_of({{"node", "--version"}, "", {}});
    if (version && !version->empty()) foreign.environment_.emplace_back("node", version->back());
    if (!version) foreign.broken_[kNode] = version.error().message;
  }
  for (const EngineArm& arm : arms) {
    if (!arm.source || foreign.unsupported_reason(arm)) continue;
    foreign.write_files(arm);
    if (auto measured = foreign.measure_rate(arm); !measured)
      foreign.broken_[arm.engine] = measured.error().message;
  }
  return foreign;
}

void ForeignServers::write_files(const EngineArm& arm) {
  if (folder_.path().empty()) folder_ = TemporaryFolder::create("lab-servers").value();
  const std::filesystem::path folder = folder_of(arm);
  std::error_code problem;
  std::filesystem::create_directory(folder, problem);
  if (problem) throw Failure(environment_error("{}: {}", folder.string(), problem.message()));
  for (const SourceFile& source : arm.source->files) {
    std::ofstream file(folder / source.name, std::ios::binary);
    file << source.text;
    file.close();
    if (!file) throw Failure(environment_error("cannot write {}", (folder / source.name).string()));
  }
}

Result<void> ForeignServers::measure_rate(const EngineArm& arm) {
  const auto& files = arm.source->files;
  const auto work = std::ranges::find_if(
      files, [](const SourceFile& file) { return file.name == "work.py" || file.name == "work.js"; });
  if (work == files.end() || rates_.contains(arm.engine)) return {};
  const auto measure = [&](const char* what) -> Result<std::string> {
    const std::vector<std::string> arguments{interpreter_of(arm), work->name, what};
    LAB_TRY(auto lines, known_output_of(join(arguments, "\n"), {arguments, folder_of(arm).string(), {}}));
    if (lines.empty() || std::atof(lines.back().c_str()) <= 0)
      return environment_error("{} {} did not say how fast it is", interpreter_of(arm), work->name);
    return lines.back();
  };
  LAB_TRY(const std::string turns, measure("turns"));
  rates_[arm.engine] = turns;
  environment_.emplace_back(fmt::format("{} works at", arm.engine), turns + " turns/s");
  if (files.front().text.find("sqrt") == std::string::npos) return {};
  LAB_TRY(const std::string roots, measure("roots"));
  environment_.emplace_back(roots_key(arm.engine), roots + " roots/s");
  return {};
}

std::optional<std::string> ForeignServers::unsupported_reason(const EngineArm& arm) const {
  if (!arm.refusal.empty()) return arm.refusal;
  if (const auto broken = broken_.find(arm.engine); broken != broken_.end()) return broken->second;
  if (!arm.source || !is_python(arm)) return std::nullopt;
  std::vector<std::string> missing;
  for (const std::string& name : arm.source->modules) {
    const auto found = modules_.find(name);
    if (found == modules_.end() || found->second.empty()) missing.push_back(name);
  }
  if (!missing.empty()) return fmt::format("{} has no {} ({})", options_.python, join(missing, ", "), kSetup);
  for (const auto& [name, version] : modules_) {
    const auto least = kLeast.find(name);
    if (least != kLeast.end() && older(version, least->second))
      return fmt::format("{} {} is too old, {} is needed ({})", name, version, least->second, kSetup);
  }
  return std::nullopt;
}

std::filesystem::path ForeignServers::folder_of(const EngineArm& arm) const {
  return folder_.path() / fmt::format("{}-{}", arm.engine, arm.arm.id);
}

std::string ForeignServers::interpreter_of(const EngineArm& arm) const {
  return is_python(arm) ? options_.python : "node";
}

Result<ExternalServer> ForeignServers::start(const EngineArm& arm, Fixtures& fixtures, std::string* said) {
  ExternalCommand command;
  command.patience = kPatience;
  if (arm.engine == kServer) {
    const auto at =
        arm.arm.id == kServer ? 0 : std::atoi(arm.arm.id.substr(arm.arm.id.rfind('-') + 1).c_str()) - 1;
    command.arguments = commands_[static_cast<std::size_t>(at)];
    command.ready = options_.ready;
  } else {
    if (arm.arm.cores > 0) command.arguments = {"taskset", "-c", usable_cores(arm.arm.cores)};
    command.arguments.push_back(interpreter_of(arm));
    command.arguments.insert(command.arguments.end(), arm.source->arguments.begin(),
                             arm.source->arguments.end());
    command.folder = folder_of(arm).string();
    command.ready = kReadyPath;
    command.workers = arm.arm.workers;
    command.environment = {{"PYTHONDONTWRITEBYTECODE", "1"}, {"PYTHONUNBUFFERED", "1"}};
    if (const auto rate = rates_.find(arm.engine); rate != rates_.end())
      command.environment.emplace_back("WORK_RATE", rate->second);
  }
  ServerSetup setup;
  fixtures.apply_to(setup);
  if (setup.upstream_port != 0)
    command.environment.emplace_back("UPSTREAM", fmt::format("http://127.0.0.1:{}", setup.upstream_port));
  if (!data_file_.empty()) command.environment.emplace_back("DATA_FILE", data_file_);
  if (!setup.postgres.empty()) command.environment.emplace_back("DATABASE_URL", setup.postgres);
  const std::string store =
      setup.store.empty() && arm.source ? (folder_of(arm) / "store.db").string() : setup.store;
  std::error_code ignored;  // what the last trial counted
  if (!store.empty()) {
    for (const char* tail : {"", "-wal", "-shm", "-journal"}) std::filesystem::remove(store + tail, ignored);
    command.environment.emplace_back("STORE", store);
  }
  return ExternalServer::start(command, said);
}

Scenario as_engine_computes(const Scenario& scenario, const std::string& engine, const RunHeader& header) {
  Scenario own = scenario;
  for (const auto& [key, value] : header.environment) {
    const double rate = std::atof(value.c_str());
    if (key != roots_key(engine) || rate <= 0) continue;
    for (Route& route : own.routes) {
      change_computing(route.plan, [&](Compute& compute) {
        if (compute.work == Work::sqrt_sum)
          compute.duration = to_nanos(static_cast<double>(compute.units) / rate);
      });
    }
  }
  return own;
}

std::vector<EngineArm> engine_arms(const Scenario& scenario, std::string_view engine, std::size_t servers) {
  std::vector<EngineArm> arms;
  if (engine == kServer) {
    for (std::size_t number = 0; number < servers; ++number) {
      const Arm arm = plan_alone(scenario, number);
      arms.push_back({kServer, arm, {}, "", arm.id, ""});
    }
    return arms;
  }
  for (const Arm& arm : scenario.arms) {
    if (engine == kNative || engine == kModel) {
      arms.push_back({std::string(engine), arm, {}, "", arm.id, ""});
    } else {
      add_exported(scenario, arm, engine, arms);
    }
  }
  return arms;
}

}  // namespace lab
