#include "harness/inside/inspection.hpp"

#include <fmt/format.h>
#include <signal.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <set>

#include "harness/trace/server_use.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::uint16_t kNoPort = 1;
constexpr Nanos kEndsWithin = 3 * kSecond;

/// A path of the server that is looked into, or a whole URL in which `{port}` stands for its port.
Url url_at(const std::string& text, std::uint16_t port) {
  const std::string whole = text.starts_with("/") ? "http://127.0.0.1:{port}" + text : text;
  return parse_url(with_port(whole, port)).value();
}

/// Where a probe writes that the process was started with: LAB_INSIDE of its environment.
std::string probe_folder_of(pid_t pid) {
  constexpr std::string_view kName = "LAB_INSIDE=";
  std::ifstream environment(fmt::format("/proc/{}/environ", pid), std::ios::binary);
  for (std::string each; std::getline(environment, each, '\0');) {
    if (each.starts_with(kName)) return each.substr(kName.size());
  }
  return "";
}

}  // namespace

std::uint16_t Inspection::listening_port() const {
  std::vector<pid_t> family = descendants_of(*pid);
  family.insert(family.begin(), *pid);
  const std::set<std::uint16_t> ports = listening_ports(family);
  refuse_if(
      ports.empty(),
      "--pid {}: it listens at no TCP port that this user may see; give the whole URL instead of a path",
      *pid);
  refuse_if(ports.size() > 1, "--pid {}: it listens at {}; give the whole URL instead of a path", *pid,
            fmt::join(ports, ", "));
  return *ports.begin();
}

Url Inspection::url_of(const std::string& text) {
  const bool path = text.starts_with("/");
  refuse_if(path && !is_asked_for(),
            "'{}' is a path: give the whole URL, or the server that it is a route of, with --server COMMAND "
            "or --pid PID",
            text);
  refuse_if(!command.empty() && pid, "--server and --pid exclude each other; give one");
  if (!command.empty()) {
    const auto words = about("--server", split_command(command)).value();
    refuse_if(
        command.find("{port}") == std::string::npos,
        "--server '{}' has no {{port}}: write it where the command takes the port, as in 'uvicorn main:app "
        "--port {{port}}'",
        command);
    refuse_if(!path && text.find("{port}") == std::string::npos,
              "{}: give the path alone with --server, or write {{port}} for the port", text);
    return url_at(text, kNoPort);
  }
  if (pid) {
    refuse_if(::kill(*pid, 0) != 0 && errno == ESRCH, "--pid {}: there is no such process", *pid);
    return path ? url_at(text, listening_port()) : url_at(text, kNoPort);
  }
  return parse_url(text).value();
}

void Inspection::begin(const std::string& text, const std::string& ready, Url& url) {
  if (command.empty()) return;
  probes_ = RuntimeProbes::create().value();
  ExternalCommand start;
  start.arguments = split_command(command).value();
  start.environment = probes_->environment();
  start.ready = ready;
  server_ = ExternalServer::start(start).value();
  url = url_at(text, server_->port());
}

std::optional<LocalServer> Inspection::process() const {
  if (pid) return LocalServer::of(*pid);
  return server_ ? std::optional(LocalServer::of(server_->program())) : std::nullopt;
}

std::vector<pid_t> Inspection::roots(const std::optional<LocalServer>& local) const {
  if (pid) return {*pid};
  return local ? local->listeners() : std::vector<pid_t>{};
}

std::string Inspection::ended(Nanos patience) {
  const Nanos until = monotonic_now() + patience;
  for (;;) {
    if (const auto how = server_ ? server_->ended() : std::nullopt) return "the server of --server " + *how;
    std::error_code problem;
    if (pid && std::filesystem::read_symlink(fmt::format("/proc/{}/exe", *pid), problem).empty() &&
        problem == std::errc::no_such_file_or_directory)
      return fmt::format("process {} ended", *pid);
    if (monotonic_now() >= until) return "";
    sleep_until(monotonic_now() + 5 * kMillisecond);
  }
}

InsideSeen Inspection::take(const BurstWatch& watch, const std::optional<LocalServer>& local) {
  InsideSeen seen;
  seen.ended = ended(0);
  seen.bursts = watch.bursts();
  seen.kernel = watch.samples();
  if (local) {
    seen.pid = local->pid();
    seen.runtime = local->runtime();
  }
  if (pid) seen.pid = *pid;
  if (probes_) {
    seen.probed = true;
    seen.probes = probes_->read();
  } else if (const std::string folder = pid ? probe_folder_of(*pid) : ""; !folder.empty()) {
    seen.probed = true;
    seen.probes = read_probe_lines(folder);
  }
  return seen;
}

void Inspection::end() {
  if (server_) server_->stop(kEndsWithin);
}

}  // namespace lab
