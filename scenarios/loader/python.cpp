#include "scenarios/loader/python.hpp"

#include <fmt/format.h>

#include <algorithm>

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

struct BlockingCall {
  PythonCall operator()(const Wait& wait) const { return {"time.sleep", sleep_of(wait.duration)}; }
  PythonCall operator()(const Compute& compute) const {
    switch (compute.work) {
      case Work::spin: return {"burn", sleep_of(compute.duration)};
      case Work::sqrt_sum: return {"sum", fmt::format("map(sqrt, range({}))", python_number(compute.units))};
      case Work::qr_code: return {"qrcode.make", "text"};
      case Work::inference: return {"model.predict", "features"};
      case Work::file_read: return {"read_file", compute.file.empty() ? "path" : "\"" + compute.file + "\""};
      case Work::coroutine_switch: return {"switch_coroutines", python_number(compute.units)};
      case Work::thread_switch: return {"switch_threads", python_number(compute.units)};
      case Work::process_switch: return {"switch_processes", python_number(compute.units)};
    }
    return {"burn", ""};
  }
  PythonCall operator()(const CallUpstream& call) const {
    return {call.keep_connection ? "session.get" : "requests.get", "url"};
  }
  PythonCall operator()(const Query& query) const { return {"cursor.execute", sql_of(query)}; }
  template <class Other>
  PythonCall operator()(const Other& /*step*/) const {
    return {"f", ""};
  }
};

struct Awaitable {
  std::string operator()(const Wait& wait) const { return "asyncio.sleep(" + sleep_of(wait.duration) + ")"; }
  std::string operator()(const CallUpstream& call) const {
    return call.keep_connection ? "client.get(url)" : "httpx.AsyncClient().get(url)";
  }
  std::string operator()(const Query& query) const { return "pool.fetch(" + sql_of(query) + ")"; }
  template <class Other>
  std::string operator()(const Other& /*step*/) const {
    return "f()";
  }
};

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

class Statement {
 public:
  Statement(const Step& step, const Traits& mode) : step_(step), mode_(mode) {}

  std::string operator()(const Wait& wait) const {
    if (!wait.on_connection) return leaf(mode_.waiting);
    return (asynchronous() && !step_.blocking ? "async with pool.acquire(): " : "with pool.connection(): ") +
           leaf(mode_.waiting);
  }
  std::string operator()(const CallUpstream& /*step*/) const { return leaf(mode_.waiting); }
  std::string operator()(const Query& /*step*/) const { return leaf(mode_.waiting); }
  std::string operator()(const Compute& /*step*/) const { return leaf(mode_.computing); }
  std::string operator()(const Increment& /*step*/) const { return "counter += 1"; }
  std::string operator()(const Yield& /*step*/) const { return "await asyncio.sleep(0)"; }
  std::string operator()(const Ready& /*step*/) const { return "await is_there_already()"; }
  std::string operator()(const Repeat& repeat) const {
    return fmt::format("for _ in range({}): {}", repeat.times, python_statements(repeat.steps, mode_));
  }
  std::string operator()(const Gather& gather) const {
    std::vector<Function> branches;
    for (const Plan& plan : gather.branches) branches.push_back(coroutine_of(plan, mode_));
    const auto& first = branches.front();
    const bool same = std::all_of(branches.begin(), branches.end(), [&](const Function& branch) {
      return branch.argument == first.argument && branch.remark == first.remark;
    });
    constexpr std::size_t kMaxSpelled = 3;
    if (same && branches.size() > kMaxSpelled) {
      return fmt::format("await asyncio.gather(*({} for _ in range({}))){}", first.argument, branches.size(),
                         first.remark);
    }
    std::vector<std::string> arguments;
    for (const Function& branch : branches) arguments.push_back(branch.argument);
    return "await asyncio.gather(" + join(arguments, ", ") + ")" + (same ? first.remark : "");
  }
  std::string operator()(const Pooled& pooled) const {
    const Function function = function_of(pooled.steps);
    return "await run_in_threadpool(" + function.argument + ")" + function.remark;
  }
  std::string operator()(const Forget& forget) const {
    return coroutine_of(forget.steps, mode_).argument + "  # no await";
  }
  std::string operator()(const Background& later) const {
    const Plan& plan = later.steps;
    const auto* pooled = plan.size() == 1 ? std::get_if<Pooled>(&plan.front().action) : nullptr;
    if (pooled != nullptr || !asynchronous()) {
      const Function job = function_of(pooled != nullptr ? pooled->steps : plan);
      return "tasks.add_task(" + job.argument + ")" + job.remark;
    }
    const auto* wait =
        plan.size() == 1 && !plan.front().blocking ? std::get_if<Wait>(&plan.front().action) : nullptr;
    if (wait != nullptr && mode_.waiting == Resource::nothing)
      return fmt::format("tasks.add_task(asyncio.sleep, {:g})", seconds(wait->duration));
    return "tasks.add_task(job)  # async job: " + python_statements(plan, mode_);
  }
  std::string operator()(const Enqueue& job) const {
    const Function function = function_of(job.steps);
    return "return " + job.queue + ".enqueue(" + function.argument + ")" + function.remark;
  }
  std::string operator()(const FetchResult& fetch) const {
    return "return " + fetch.queue + ".get_result(task_id)";
  }

 private:
  bool asynchronous() const { return mode_.handler == Resource::loop; }
  std::string leaf(Resource held) const {
    const PythonCall call = blocking_call(step_);
    if (step_.blocking || held == mode_.handler) return call.text();
    if (held == Resource::pool) return "await run_in_threadpool(" + call.as_argument() + ")";
    return "await " + awaitable(step_);
  }

  const Step& step_;
  const Traits& mode_;
};

}  // namespace

std::string python_number(std::int64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), "_");
  return text;
}

PythonCall blocking_call(const Step& step) {
  return std::visit(BlockingCall{}, step.action);
}

std::string awaitable(const Step& step) {
  return std::visit(Awaitable{}, step.action);
}

bool is_python_leaf(const Step& step) {
  return std::holds_alternative<Wait>(step.action) || std::holds_alternative<Compute>(step.action) ||
         std::holds_alternative<CallUpstream>(step.action) || std::holds_alternative<Query>(step.action);
}

const Traits& python_thread() {
  static const Traits kThread{
      "", "", "", Resource::thread, Resource::thread, Resource::thread, Resource::nothing};
  return kThread;
}

Plan executed_plan(const Route& route, const Traits& mode) {
  const auto has_queue = [](const Step& step) {
    return std::holds_alternative<Enqueue>(step.action) || std::holds_alternative<FetchResult>(step.action);
  };
  const bool whole = mode.computing == Resource::queue && !route.plan.empty() &&
                     std::none_of(route.plan.begin(), route.plan.end(), has_queue);
  return whole ? Plan{{Enqueue{"jobs", route.plan}}} : route.plan;
}

std::string python_statement(const Step& step, const Traits& mode) {
  return std::visit(Statement(step, mode), step.action);
}

std::string python_statements(const Plan& plan, const Traits& mode) {
  std::string text;
  for (const Step& step : plan) text += (text.empty() ? "" : "; ") + python_statement(step, mode);
  return text;
}

}  // namespace lab
