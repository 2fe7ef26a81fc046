#include <cstring>
#include <filesystem>
#include <fstream>

#include "lab/cli/command.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
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

/// The arm that was asked for, else the first one that has a meaning there.
std::pair<const Arm*, ExportedServer> choose(const Scenario& scenario, const ExportOptions& options) {
  const ExportChoice choice{options.uvloop ? PythonLoop::uvloop : PythonLoop::asyncio,
                            options.gunicorn ? Workers::gunicorn : Workers::uvicorn};
  const Arm* asked = options.arm.empty() ? nullptr : &arm_named(scenario, "--arm", options.arm);
  std::string first_reason;
  for (const Arm& arm : scenario.arms) {
    if (asked != nullptr && &arm != asked) continue;
    auto server = export_server(scenario, arm, options.target, choice);
    if (server) return {&arm, std::move(*server)};
    if (first_reason.empty())
      first_reason =
          fmt::format("'{}' cannot be exported to {}: {}", arm.id,
                      options.target == ExportTarget::node ? "Node" : "FastAPI", server.error().message);
  }
  throw Failure(usage_error("arm {}", first_reason));
}

void write(const fs::path& folder, const ExportedServer& server, bool force) {
  std::error_code problem;
  fs::create_directories(folder, problem);
  if (problem) throw Failure(environment_error("--dir: {}: {}", folder.string(), problem.message()));
  for (const SourceFile& file : server.files) {
    refuse_if(!force && fs::exists(fs::symlink_status(folder / file.name, problem)),
              "--dir: {} exists already; give another folder, or --force", (folder / file.name).string());
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

std::string in_double_quotes(const std::string& text) {
  std::string word = "\"";
  for (const char letter : text) {
    if (std::string_view("\"\\$`").find(letter) != std::string_view::npos) word += '\\';
    word += letter;
  }
  return word + "\"";
}

int export_arm(const ExportOptions& options) {
  const bool to_node = options.target == ExportTarget::node;
  refuse_if(to_node && (options.uvloop || options.gunicorn), "--uvloop and --gunicorn go with --to fastapi");
  refuse_if(options.force && options.folder.empty(), "--force goes with --dir");
  const Scenario scenario = load_scenario(options.scenario, known_modes(), options.run.overrides).value();
  const auto [arm, server] = choose(scenario, options);
  const std::vector<std::string> names = ids_of(server.files);
  const std::string beside = join({names.begin() + 1, names.end()}, ", ");
  if (!options.folder.empty()) write(options.folder, server, options.force);
  if (options.arm.empty()) print_error("lab: arm '{}' of {}\n", arm->id, scenario.name);
  if (options.folder.empty()) {
    print(server.files.front().text);
    print_error("lab: the lab runs it with {}; --dir DIR writes all of them\n", beside);
  } else {
    print_error("lab: {} in {}, with {}\n", names.front(), options.folder, beside);
    const std::string script =
        fmt::format("cd {} && exec {} {}", shell_word(options.folder),
                    to_node ? "node" : ForeignOptions{}.python, join(server.arguments, " "));
    std::string changes = " --arms " + shell_word(arm->id);
    for (const char* name : {"set", "delay"}) {
      if (!options.run.has(name)) continue;
      for (const std::string& text : options.run.given.at(name))
        changes += fmt::format(" --{} {}", name, shell_word(text));
    }
    print_error("lab: to measure it beside the lab's own server: lab run {}{} --server {}\n",
                shell_word(options.scenario), changes, shell_word("sh -c " + in_double_quotes(script)));
  }
  print_error("lab: to start it by hand: {}\n", server.by_hand);
  return 0;
}

}  // namespace

Command export_command() {
  Command command("export", "print an arm as the source of a FastAPI or Node server",
                  "Example: lab export blocking-async --arm async-loop --to fastapi > main.py");
  ExportOptions& options = command.runs<ExportOptions>(export_arm);
  command.text("scenario", "SCENARIO", options.scenario, "a name or a path to a .toml").required();
  command.choice("--to", "SERVER", options.target, kTargets).required();
  command.text("--arm", "ARM", options.arm, "the arm (the first one that such a server can have)");
  command.text("--dir", "DIR", options.folder, "write it, and the files that belong to it, into this folder");
  command.flag("--force", options.force, "overwrite files in that folder");
  command.flag("--uvloop", options.uvloop, "use the loop of uvloop instead of asyncio's");
  command.flag("--gunicorn", options.gunicorn, "gunicorn manages the workers instead of uvicorn");
  add_run_option(command, options.run, "set");
  add_run_option(command, options.run, "delay", "the scenario's d");
  return command;
}

}  // namespace lab
