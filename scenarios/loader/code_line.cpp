#include "scenarios/loader/code_line.hpp"

#include <fmt/format.h>
#include <array>

#include <algorithm>
#include <cctype>
#include <string_view>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

/// `0.1`, `0.000005`: seconds as one writes them.
std::string sleep_of(Nanos duration) {
  std::string text = fmt::format("{:.9f}", seconds(duration));
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string sql_of(const Query& query) {
  if (query.sql.empty()) return fmt::format("\"select pg_sleep({})\"", sleep_of(query.duration));
  std::string text = "\"";
  for (const char letter : query.sql) {
    if (letter == '"' || letter == '\\') text += '\\';
    text += letter == '\n' || letter == '\r' || letter == '\t' ? ' ' : letter;
  }
  return text + "\"";
}

PythonCall call_of(const Compute& compute) {
  switch (compute.work) {
    case Work::spin: return {"burn", sleep_of(compute.duration)};
    case Work::sqrt_sum: return {"sum", fmt::format("map(sqrt, range({}))", python_number(compute.units))};
    case Work::qr_code: return {"qrcode.make", "text"};
    case Work::inference: return {"model.predict", "features"};
    case Work::file_read: return {"read_file", compute.file.empty() ? "path" : "\"" + compute.file + "\""};
    case Work::coroutine_switch: return {"switch_coroutines", python_number(compute.units)};
    case Work::thread_switch: return {"switch_threads", python_number(compute.units)};
    case Work::process_switch: break;
  }
  return {"switch_processes", python_number(compute.units)};
}

constexpr std::string_view kAwait = "await ";

/// The plan as one function to hand over, with a remark where it is more than one call.
struct Function {
  std::string argument;  ///< `time.sleep, 0.1`
  std::string remark;    ///< `  # f: …`
};

Function function_of(const Plan& plan) {
  if (plan.size() == 1 && is_python_leaf(plan.front()))
    return {blocking_call(plan.front()).as_argument(), ""};
  return {"f", "  # f: " + python_statements(plan, python_thread())};
}

/// What is handed to something that will await it: `asyncio.sleep(1)`, or `f()` and what f is.
Function coroutine_of(const Plan& plan, const Traits& mode) {
  const std::string text = python_statements(plan, mode);
  const bool one_await = plan.size() == 1 && text.starts_with(kAwait) && text.find('#') == std::string::npos;
  if (one_await) return {text.substr(kAwait.size()), ""};
  return {"f()", "  # async f: " + text};
}

std::string leaf(const Step& step, const Traits& mode, Resource held) {
  const PythonCall call = blocking_call(step);
  if (step.blocking || held == mode.handler) return call.text();
  if (held == Resource::pool) return "await run_in_threadpool(" + call.as_argument() + ")";
  return "await " + awaitable(step);
}

std::string gather_line(const Gather& gather, const Traits& mode) {
  std::vector<std::string> arguments, remarks;
  for (const Plan& plan : gather.branches) {
    const Function branch = coroutine_of(plan, mode);
    arguments.push_back(branch.argument);
    remarks.push_back(branch.remark);
  }
  const auto all_same = [](const std::vector<std::string>& words) {
    return std::ranges::all_of(words, [&](const auto& word) { return word == words.front(); });
  };
  const bool same = all_same(arguments) && all_same(remarks);
  return gathered(arguments, same) + (same ? remarks.front() : "");
}

std::string background_line(const Plan& plan, const Traits& mode) {
  const auto* pooled = only<Pooled>(plan);
  if (pooled != nullptr || mode.handler != Resource::loop) {
    const Function job = function_of(pooled != nullptr ? pooled->steps : plan);
    return "tasks.add_task(" + job.argument + ")" + job.remark;
  }
  const auto* wait = only<Wait>(plan);
  if (wait != nullptr && !plan.front().blocking && mode.waiting == Resource::nothing)
    return fmt::format("tasks.add_task(asyncio.sleep, {:g})", seconds(wait->duration));
  return "tasks.add_task(job)  # async job: " + python_statements(plan, mode);
}

std::string arrivals_of(const Load& load) {
  switch (load.arrivals) {
    case Arrivals::burst: return load.requests == 1 ? "one" : fmt::format("{} at once", load.requests);
    case Arrivals::closed: return fmt::format("{} clients, {} requests in all", load.clients, load.requests);
    case Arrivals::constant:
      return fmt::format("{}, one every {}", load.requests, format_duration(load.every));
    case Arrivals::poisson:
      return fmt::format("{}, Poisson, {} apart on average", load.requests, format_duration(load.every));
    case Arrivals::staggered: return "at " + join(mapped(load.at, format_duration), ", ");
  }
  return "";
}

std::string bytes(std::int64_t count) {
  const auto number = static_cast<double>(count);
  if (count >= 1'000'000) return fmt::format("{:g} MB", number / 1e6);
  if (count >= 1'000) return fmt::format("{:g} kB", number / 1e3);
  return fmt::format("{} B", count);
}

/// In the order of Resource.
constexpr std::array<const char*, kResources> kHeld{
    "nothing", "the loop", "a pool member", "its thread",
    "a core",  "the GIL",  "a connection",  "a worker of the queue"};

std::string held(Resource resource) {
  return kHeld.at(static_cast<std::size_t>(resource));
}

/// The first `width` columns, the last of them `…` where the text has more.
std::string cut(const std::string& text, std::size_t width) {
  if (columns(text) <= width) return text;
  std::string kept;
  std::string_view rest = text;
  for (std::size_t i = 1; i < width; ++i) append_code_point(next_code_point(rest), kept);
  return kept + "…";
}

/// `task_id, tasks: BackgroundTasks`: what the handler asks FastAPI for.
std::string parameters(const Route& route) {
  std::vector<std::string> names;
  const std::size_t open = route.path.find('{');
  if (open != std::string::npos)
    names.push_back(route.path.substr(open + 1, route.path.find('}') - open - 1));
  if (route.method == "WS") names.emplace_back("socket: WebSocket");
  for (const Step& step : route.plan) {
    if (!step.is<Background>()) continue;
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
    if (i > 0 && columns(line + next) + after > longest)
      return columns(line) + kMore > longest ? cut(line + "…", longest) : line + "; …";
    line += next;
  }
  return cut(line, longest);
}

}  // namespace

std::string python_name(std::string word) {
  for (char& letter : word) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0) letter = '_';
  }
  return word;
}

std::string python_number(std::int64_t number) {
  return grouped(number, '_');
}

PythonCall blocking_call(const Step& step) {
  if (const auto* wait = step.as<Wait>()) return {"time.sleep", sleep_of(wait->duration)};
  if (const auto* compute = step.as<Compute>()) return call_of(*compute);
  if (const auto* query = step.as<Query>()) return {"cursor.execute", sql_of(*query)};
  if (const auto* call = step.as<CallUpstream>())
    return {call->keep_connection ? "session.get" : "requests.get", "url"};
  return {"f", ""};
}

std::string awaitable(const Step& step) {
  if (const auto* wait = step.as<Wait>()) return "asyncio.sleep(" + sleep_of(wait->duration) + ")";
  if (const auto* query = step.as<Query>()) return "pool.fetch(" + sql_of(*query) + ")";
  if (const auto* call = step.as<CallUpstream>())
    return call->keep_connection ? "client.get(url)" : "httpx.AsyncClient().get(url)";
  return "f()";
}

bool is_python_leaf(const Step& step) {
  return step.is<Wait, Compute>() || step.is<CallUpstream, Query>();
}

const Traits& python_thread() {
  static const Traits kThread{
      "", "", "", Resource::thread, Resource::thread, Resource::thread, Resource::nothing};
  return kThread;
}

std::string gathered(const std::vector<std::string>& arguments, bool same) {
  constexpr std::size_t kMaxSpelled = 3;
  if (same && arguments.size() > kMaxSpelled)
    return fmt::format("await asyncio.gather(*({} for _ in range({})))", arguments.front(), arguments.size());
  return "await asyncio.gather(" + join(arguments, ", ") + ")";
}

std::string python_statement(const Step& step, const Traits& mode) {
  const auto* wait = step.as<Wait>();
  if (wait != nullptr && wait->on_connection) {
    const bool awaited = mode.handler == Resource::loop && !step.blocking;
    return (awaited ? "async with pool.acquire(): " : "with pool.connection(): ") +
           leaf(step, mode, mode.waiting);
  }
  if (is_python_leaf(step)) return leaf(step, mode, step.is<Compute>() ? mode.computing : mode.waiting);
  if (step.is<Increment>()) return "counter += 1";
  if (step.is<Yield>()) return "await asyncio.sleep(0)";
  if (step.is<Ready>()) return "await is_there_already()";
  if (const auto* repeat = step.as<Repeat>())
    return fmt::format("for _ in range({}): {}", repeat->times, python_statements(repeat->steps, mode));
  if (const auto* gather = step.as<Gather>()) return gather_line(*gather, mode);
  if (const auto* forget = step.as<Forget>())
    return coroutine_of(forget->steps, mode).argument + "  # no await";
  if (const auto* later = step.as<Background>()) return background_line(later->steps, mode);
  if (const auto* fetch = step.as<FetchResult>()) return "return " + fetch->queue + ".get_result(task_id)";
  const Function function = function_of(*nested_plans(step).front());
  const auto* job = step.as<Enqueue>();
  const std::string call = job == nullptr ? "await run_in_threadpool(" : "return " + job->queue + ".enqueue(";
  return call + function.argument + ")" + function.remark;
}

std::string python_statements(const Plan& plan, const Traits& mode) {
  std::string text;
  for (const Step& step : plan) text += (text.empty() ? "" : "; ") + python_statement(step, mode);
  return text;
}

std::string fastapi_line(const Route& route, const Traits& mode, const Arm& arm, std::size_t longest) {
  std::vector<std::string> all = statements(route, mode);
  const auto respell = [&](std::string_view usual, std::string_view own) {
    for (std::string& statement : all) {
      const std::size_t at = statement.find(usual);
      if (at != std::string::npos) statement.replace(at, usual.size(), own);
    }
  };
  if (arm.pool_processes) respell("run_in_threadpool(", "loop.run_in_executor(processes, ");
  if (arm.connections == 0) {
    respell("pool.fetch(", "fetch(");
    respell("pool.acquire()", "connect()");
    respell("pool.connection()", "connect()");
  }
  return line_of(route, mode, all, longest);
}

std::string unusual_settings(const Arm& arm) {
  std::vector<std::string> parts;
  if (arm.pool_processes) {
    parts.push_back(fmt::format("{} processes", arm.threads));
  } else if (arm.threads != Arm{}.threads) {
    if (arm.uses(Resource::pool)) parts.push_back(fmt::format("pool of {}", arm.threads));
    if (arm.uses(Resource::thread)) parts.push_back(plural(arm.threads, "thread"));
  }
  if (arm.gil) parts.emplace_back("GIL");
  if (arm.connections > 0) parts.push_back(plural(arm.connections, "connection"));
  if (arm.shared_counters) parts.emplace_back("counter in SQLite");
  if (arm.cancel)
    parts.emplace_back(std::ranges::all_of(arm.modes, &Traits::looks_first) ? "looks first" : "cancels");
  if (arm.backend == Backend::io_uring) parts.emplace_back("io_uring");
  if (arm.accept == Accept::one) {
    parts.push_back(arm.accept_limit == 0 ? "accept what it can"
                                          : fmt::format("accept {}", arm.accept_limit));
  } else if (arm.accept != Accept::handoff) {
    parts.emplace_back(to_string(arm.accept));
  }
  for (const auto& [name, queue] : arm.queues) {
    if (!arm.uses(Resource::queue)) break;
    parts.push_back(name + ": " + plural(queue.workers, "worker") + (queue.shared ? ", shared" : ""));
  }
  if (arm.cores > 0) parts.push_back(plural(arm.cores, "core"));
  if (arm.predict_only) parts.emplace_back("predicted only");
  std::string text = parts.empty() ? "" : "(" + join(parts, ", ") + ")";
  if (arm.workers > 1) text += fmt::format("{}× {} workers", text.empty() ? "" : " ", arm.workers);
  return text;
}

std::string describe_route(const Route& route) {
  std::string text = fmt::format("{} {}: ", route.method, route.path);
  for (const Dependency& dependency : route.depends) {
    text += fmt::format("first {} ({}); ", dependency.asynchronous ? "on the loop" : "in the pool",
                        describe(dependency.steps));
  }
  text += route.plan.empty() ? "answers at once" : describe(route.plan);
  if (route.body_limit != Route{}.body_limit)
    text += fmt::format("; bodies up to {}", bytes(route.body_limit));
  return text;
}

std::string describe_load(const Load& load, const Scenario& scenario) {
  const Route& route = scenario.routes[load.route];
  std::string text = (scenario.routes.size() > 1 ? route.name + ": " : "") + arrivals_of(load);
  if (load.from > 0) text += fmt::format(", from {}", format_duration(load.from));
  text += route.method == "WS"     ? ", on open WebSockets"
          : load.client_process    ? ", each from a curl process of its own"
          : load.fresh_connections ? ", fresh connections"
                                   : ", connections open";
  if (load.body_bytes > 0) text += fmt::format(", each brings {}", bytes(load.body_bytes));
  if (load.body_over > 0) text += fmt::format(" over {}", format_duration(load.body_over));
  if (load.hang_up > 0) text += fmt::format(", hangs up after {}", format_duration(load.hang_up));
  if (load.then) {
    text += fmt::format(", then asks {} every {} until {}", scenario.routes[load.then->route].name,
                        format_duration(load.then->every), load.then->until);
  }
  return text;
}

std::string describe_kill(const Kill& kill) {
  return fmt::format("worker {} is killed at {}", kill.worker, format_duration(kill.at));
}

std::string describe_holding(const Traits& mode) {
  std::string text =
      mode.waiting == mode.computing
          ? held(mode.waiting) + ", while it waits and while it computes"
          : held(mode.waiting) + " while it waits, " + held(mode.computing) + " while it computes";
  if (mode.idle != Resource::nothing) text += "; " + held(mode.idle) + " while its client is idle";
  return text;
}

}  // namespace lab
