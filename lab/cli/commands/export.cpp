#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>

#include "lab/cli/commands/verbs.hpp"
#include "lab/cli/options.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "lab/experiment/foreign_servers.hpp"
#include "lab/servers/mode.hpp"
#include "scenarios/export/export.hpp"

namespace lab {

namespace {

namespace fs = std::filesystem;

struct ExportOptions {
  std::string scenario, arm, folder;
  ExportTarget target = ExportTarget::fastapi;
  RunOptions run;
  bool uvloop = false, gunicorn = false, force = false;
};

constexpr Word<ExportTarget> kTargets[] = {{"fastapi", ExportTarget::fastapi}, {"node", ExportTarget::node}};

const char* name_of(ExportTarget target) {
  return target == ExportTarget::fastapi ? "FastAPI" : "Node";
}

const Arm& arm_named(const Scenario& scenario, const std::string& id) {
  std::vector<std::string> ids;
  for (const Arm& arm : scenario.arms) {
    if (arm.id == id) return arm;
    ids.push_back(arm.id);
  }
  throw Failure(
      usage_error("--arm: scenario '{}' has no arm '{}'{}", scenario.name, id, suggestion(id, ids)));
}

/// The arm that was asked for, else the first one that has a meaning there.
std::pair<const Arm*, ExportedServer> choose(const Scenario& scenario, const ExportOptions& options,
                                             ExportTarget target) {
  const ExportChoice choice{options.uvloop ? PythonLoop::uvloop : PythonLoop::asyncio,
                            options.gunicorn ? Workers::gunicorn : Workers::uvicorn};
  std::optional<std::string> first_reason;
  for (const Arm& arm : scenario.arms) {
    if (!options.arm.empty() && &arm != &arm_named(scenario, options.arm)) continue;
    auto server = export_server(scenario, arm, target, choice);
    if (server) return {&arm, std::move(*server)};
    if (!first_reason)
      first_reason =
          fmt::format("'{}' has no meaning in {}: {}", arm.id, name_of(target), server.error().message);
  }
  throw Failure(usage_error("arm {}", *first_reason));
}

void write(const fs::path& folder, const ExportedServer& server, bool force) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) throw Failure(environment_error("--dir: {}: {}", folder.string(), problem.message()));
  for (const SourceFile& file : server.files) {
    const fs::path path = folder / file.name;
    if (!force && fs::exists(fs::symlink_status(path, problem)))
      throw Failure(
          usage_error("--dir: {} is there already; give another folder, or --force", path.string()));
  }
  for (const SourceFile& file : server.files) {
    const fs::path path = folder / file.name;
    errno = 0;
    std::ofstream out(path, std::ios::binary | std::ios::trunc);
    out << file.text;
    out.close();
    if (!out)
      throw Failure(environment_error("{}: cannot be written: {}", path.string(), std::strerror(errno)));
  }
}

/// As one word that a shell takes as it stands.
std::string for_shell(const std::string& text) {
  constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string word = "'";
  for (const char letter : text) word += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return word + "'";
}

std::string in_double_quotes(const std::string& text) {
  std::string word = "\"";
  for (const char letter : text) {
    if (std::string_view("\"\\$`").find(letter) != std::string_view::npos) word += '\\';
    word += letter;
  }
  return word + "\"";
}

int export_arm(const ExportOptions& options) {
  const ExportTarget target = options.target;
  if (target == ExportTarget::node && (options.uvloop || options.gunicorn))
    throw Failure(usage_error("--uvloop and --gunicorn go with --to fastapi"));
  if (options.force && options.folder.empty()) throw Failure(usage_error("--force goes with --dir"));
  const Scenario scenario = load_scenario(options.scenario, known_modes(), options.run.overrides).value();
  const auto [arm, server] = choose(scenario, options, target);
  std::vector<std::string> beside;
  for (const SourceFile& file : server.files) {
    if (&file != &server.files.front()) beside.push_back(file.name);
  }
  if (!options.folder.empty()) write(options.folder, server, options.force);
  if (options.arm.empty()) print_error("lab: arm '{}' of {}\n", arm->id, scenario.name);
  if (options.folder.empty()) {
    print(server.files.front().text);
    print_error("lab: beside it belongs {}; --dir DIR writes all of them\n", join(beside, ", "));
  } else {
    print_error("lab: {} in {}, with {}\n", server.files.front().name, options.folder, join(beside, ", "));
    const std::string script = fmt::format("cd {} && exec {} {}", for_shell(options.folder),
                                           target == ExportTarget::node ? "node" : ForeignOptions{}.python,
                                           join(server.arguments, " "));
    std::string changes = " --arms " + for_shell(arm->id);
    for (const char* name : {"set", "delay"}) {
      if (!options.run.has(name)) continue;
      for (const std::string& text : options.run.given.at(name))
        changes += fmt::format(" --{} {}", name, for_shell(text));
    }
    print_error("lab: beside the lab's own: lab run {}{} --server {}\n", for_shell(options.scenario), changes,
                for_shell("sh -c " + in_double_quotes(script)));
  }
  print_error("lab: by hand: {}\n", server.by_hand);
  return 0;
}

}  // namespace

Command export_command() {
  Command command("export", "an arm as the source of a FastAPI or Node server",
                  "Example: lab export blocking-async --arm async-loop --to fastapi > main.py");
  const auto options = std::make_shared<ExportOptions>();
  command.text("scenario", "SCENARIO", options->scenario, "a name or a path to a .toml").required();
  command.choice("--to", "SERVER", options->target, kTargets).required();
  command.text("--arm", "ARM", options->arm, "of the scenario; else the first that has a meaning there");
  command.text("--dir", "DIR", options->folder, "write it and what belongs beside it into this folder");
  command.flag("--force", options->force, "overwrite files there");
  command.flag("--uvloop", options->uvloop, "the loop is uvloop's, not asyncio's");
  command.flag("--gunicorn", options->gunicorn, "gunicorn looks after the workers, not uvicorn itself");
  add_run_option(command, options->run, "set");
  add_run_option(command, options->run, "delay", "the scenario's d");
  command.run = [options] { return export_arm(*options); };
  return command;
}

}  // namespace lab
