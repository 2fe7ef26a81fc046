#include "scenarios/loader/code_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <string_view>
#include <vector>

#include "lab/core/text.hpp"
#include "scenarios/loader/python.hpp"

namespace lab {

namespace {

std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(
      text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

/// The first `columns` characters and `…`, where the text has more.
std::string cut(std::string text, std::size_t columns) {
  if (columns_of(text) <= columns) return text;
  while (!text.empty() && columns_of(text) + 1 > columns) {
    while (text.size() > 1 && (static_cast<unsigned char>(text.back()) & 0xc0) == 0x80) text.pop_back();
    text.pop_back();
  }
  return text + "…";
}

std::string python_name(std::string name) {
  for (char& letter : name) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  }
  return name;
}

/// `task_id, tasks: BackgroundTasks`: what the handler asks FastAPI for.
std::string parameters(const Route& route) {
  std::vector<std::string> names;
  const std::size_t open = route.path.find('{');
  if (open != std::string::npos)
    names.push_back(route.path.substr(open + 1, route.path.find('}') - open - 1));
  if (route.method == "WS") names.emplace_back("socket: WebSocket");
  for (const Step& step : route.plan) {
    if (!std::holds_alternative<Background>(step.action)) continue;
    names.emplace_back("tasks");
    break;
  }
  for (const Dependency& dependency : route.depends)
    names.emplace_back(dependency.asynchronous ? "_=Depends(async_dep)" : "_=Depends(dep)");
  return join(names, ", ");
}

std::vector<std::string> statements(const Route& route, const Traits& mode) {
  std::vector<std::string> all;
  if (route.method == "WS") all.emplace_back("await socket.receive_text()");
  for (const Step& step : executed_plan(route, mode)) all.push_back(python_statement(step, mode));
  if (route.method == "WS") all.emplace_back("await socket.send_json({})");
  if (all.empty()) all.emplace_back("return {}");
  return all;
}

std::string line_of(const Route& route, const Traits& mode, const std::vector<std::string>& all,
                    std::size_t longest) {
  const bool asynchronous = mode.handler == Resource::loop;
  std::string line =
      fmt::format("{}def {}({}): ", asynchronous ? "async " : "", python_name(route.name), parameters(route));
  constexpr std::size_t kMore = 3;  // "; …"
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string next = (i == 0 ? "" : "; ") + all[i];
    const std::size_t after = i + 1 < all.size() ? kMore : 0;
    if (i > 0 && columns_of(line + next) + after > longest)
      return columns_of(line) + kMore > longest ? cut(line + "…", longest) : line + "; …";
    line += next;
  }
  return cut(std::move(line), longest);
}

}  // namespace

std::string fastapi_line(const Route& route, const Traits& mode, std::size_t longest) {
  return line_of(route, mode, statements(route, mode), longest);
}

std::string fastapi_line(const Route& route, const Traits& mode, const Arm& arm, std::size_t longest) {
  std::vector<std::string> all = statements(route, mode);
  if (arm.pool_processes) {
    constexpr std::string_view kThreads = "run_in_threadpool(";
    for (std::string& statement : all) {
      const std::size_t at = statement.find(kThreads);
      if (at != std::string::npos) statement.replace(at, kThreads.size(), "loop.run_in_executor(processes, ");
    }
  }
  return line_of(route, mode, all, longest);
}

std::string unusual_settings(const Arm& arm) {
  std::vector<std::string> parts;
  if (arm.pool_processes) {
    parts.push_back(fmt::format("{} processes", arm.threads));
  } else if (arm.threads != Arm{}.threads) {
    if (arm.uses(Resource::pool)) parts.push_back(fmt::format("pool of {}", arm.threads));
    if (arm.uses(Resource::thread))
      parts.push_back(fmt::format("{} thread{}", arm.threads, arm.threads == 1 ? "" : "s"));
  }
  if (arm.gil) parts.emplace_back("GIL");
  if (arm.connections > 0)
    parts.push_back(fmt::format("{} connection{}", arm.connections, arm.connections == 1 ? "" : "s"));
  if (arm.shared_counters) parts.emplace_back("counter in SQLite");
  if (arm.cancel) parts.emplace_back("cancels");
  if (arm.backend == Backend::io_uring) parts.emplace_back("io_uring");
  if (arm.accept == Accept::one) {
    parts.push_back(arm.accept_limit == 0 ? "accept what it can"
                                          : fmt::format("accept {}", arm.accept_limit));
  } else if (arm.accept != Accept::handoff) {
    parts.emplace_back(to_string(arm.accept));
  }
  for (const auto& [name, queue] : arm.queues) {
    if (!arm.uses(Resource::queue)) break;
    parts.push_back(fmt::format("{}: {} worker{}{}", name, queue.workers, queue.workers == 1 ? "" : "s",
                                queue.shared ? ", shared" : ""));
  }
  if (arm.cores > 0) parts.push_back(fmt::format("{} core{}", arm.cores, arm.cores == 1 ? "" : "s"));
  if (arm.predict_only) parts.emplace_back("predicted only");
  std::string text = parts.empty() ? "" : "(" + join(parts, ", ") + ")";
  if (arm.workers > 1) text += fmt::format("{}× {} workers", text.empty() ? "" : " ", arm.workers);
  return text;
}

}  // namespace lab
