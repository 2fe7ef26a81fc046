#include "scenarios/export/python_file.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>

#include "lab/core/text.hpp"

namespace lab {

namespace {

/// Python's own modules and ours are not somebody's package: imports stand in three groups, as PEP 8 asks.
int group_of(const std::string& module) {
  constexpr std::array<std::string_view, 14> kStandard{"asyncio",  "concurrent.futures",
                                                       "datetime", "functools",
                                                       "json",     "logging",
                                                       "math",     "os",
                                                       "pathlib",  "queue",
                                                       "sqlite3",  "threading",
                                                       "time",     "sys"};
  constexpr std::array<std::string_view, 2> kBeside{"jobs", "work"};
  if (std::ranges::find(kStandard, module) != kStandard.end()) return 0;
  return std::ranges::find(kBeside, module) != kBeside.end() ? 2 : 1;
}

/// Beyond this, httpx's own patience of 5 s would end the call.
constexpr Nanos kLongestCall = 4 * kSecond;
/// So many connections the library `requests` keeps by default.
constexpr int kSessionConnections = 10;

bool is_same(const Plan& a, const Plan& b) {
  return python_statements(a, python_thread()) == python_statements(b, python_thread());
}

}  // namespace

std::string filled_file(std::string_view name, const Filled& filled) {
  std::string all = embedded_file(name);
  for (const auto& [word, text] : filled) {
    for (std::size_t at = 0; (at = all.find(word, at)) != std::string::npos; at += text.size())
      all.replace(at, word.size(), text);
  }
  return all;
}

Lines piece(std::string_view file, std::string_view name, const Filled& filled) {
  Lines lines;
  bool inside = false;
  for (const std::string& line : split(filled_file(file, filled), '\n')) {
    if (line.starts_with("#: ") || line.starts_with("//: ")) {
      inside = line.substr(line.find(' ') + 1) == name;
    } else if (inside) {
      lines.push_back(line);
    }
  }
  while (!lines.empty() && lines.back().empty()) lines.pop_back();
  return lines;
}

Lines indented(const Lines& lines, std::size_t blanks) {
  return mapped(
      lines, [&](const std::string& line) { return line.empty() ? line : std::string(blanks, ' ') + line; });
}

void PythonFile::set(const std::string& line) {
  add_once(settings_, line);
}

void PythonFile::add(const Lines& block) {
  add_once(blocks_, block);
}

void PythonFile::add_piece(std::string_view name, const Filled& filled) {
  Lines block;
  const auto finish = [&] {
    if (block.empty()) return;
    const std::string& head = block.front();
    const bool function = head.starts_with('@') || head.starts_with("def ") || head.starts_with("async def ");
    if (function) {
      add(block);
    } else {
      set(join(block, "\n"));
    }
    block.clear();
  };
  for (const std::string& line : piece("pieces.py", name, filled)) {
    const bool decorated = !block.empty() && block.back().starts_with('@');
    if (line.empty() || (line.front() != ' ' && !decorated)) finish();
    const std::vector<std::string> words = split(line, ' ');
    if (words.front() == "import") {
      use(words[1]);
    } else if (words.front() == "from") {
      use_from(words[1], words[3]);
    } else if (!line.empty()) {
      block.push_back(line);
    }
  }
  finish();
}

std::string PythonFile::unused(const std::string& wanted) {
  std::string name = wanted;
  for (int number = 2; !taken_.insert(name).second; ++number) name = fmt::format("{}_{}", wanted, number);
  return name;
}

std::string PythonFile::named(const std::string& wanted, const std::string& expression) {
  const auto [known, is_new] = named_.try_emplace(expression);
  if (is_new) {
    known->second = unused(wanted);
    set(known->second + " = " + expression);
  }
  return known->second;
}

std::string PythonFile::text(const std::string& title) const {
  std::array<Lines, 3> groups;
  for (const std::string& module : modules_)
    groups[static_cast<std::size_t>(group_of(module))].push_back("import " + module);
  for (const auto& [module, names] : names_) {
    groups[static_cast<std::size_t>(group_of(module))].push_back(
        fmt::format("from {} import {}", module, join({names.begin(), names.end()}, ", ")));
  }
  std::string text = "\"\"\"" + title + "\"\"\"\n";
  bool first = true;
  for (const Lines& group : groups) {
    if (group.empty()) continue;
    text += (first ? "" : "\n") + join(group, "\n") + "\n";
    first = false;
  }
  if (!settings_.empty()) text += "\n" + join(settings_, "\n") + "\n";
  for (const Lines& block : blocks_) text += "\n\n" + join(block, "\n") + "\n";
  return text;
}

std::string python_identifier(const std::string& word) {
  // Keywords, what the modules written here import or call, and what they name themselves.
  static const std::vector<std::string> kTaken = split(
      "False None True and as assert async await break class continue def del elif else except finally for "
      "from global if import in is lambda nonlocal not or pass raise return try while with yield app asyncio "
      "time os json sqrt queue threading sqlite3 anyio httpx requests psycopg2 asyncpg burn sum map range "
      "open len min int str client session pool places counter database connections processes url connect "
      "disconnect get_once get_patiently count_one fetch execute read_file gone unless_gone not_found "
      "is_there_already size_of_the_pool task_id tasks request socket message environ body infer clock "
      "logger logging datetime",
      ' ');
  std::string name = python_name(word);
  if (name.empty() || std::isdigit(static_cast<unsigned char>(name.front())) != 0) name = "route_" + name;
  return contains(kTaken, name) ? name + "_" : name;
}

std::string python_string(const std::string& text) {
  std::string result = "\"";
  for (const char letter : text) {
    const auto code = static_cast<unsigned char>(letter);
    if (letter == '"' || letter == '\\') result += '\\';
    result += code < 0x20 || code == 0x7f ? fmt::format("\\x{:02x}", code) : std::string(1, letter);
  }
  return result + "\"";
}

PythonSteps::Leaf PythonSteps::leaf_of(const Step& step, bool awaited) {
  Leaf leaf{blocking_call(step), awaitable(step), ""};
  if (step.is<Wait>()) {
    file_.use(awaited ? "asyncio" : "time");
  } else if (const auto* compute = step.as<Compute>()) {
    if (compute->work == Work::file_read) {
      leaf.call = {"read_file", file_to_read(*compute)};
    } else if (compute->work == Work::sqrt_sum) {
      file_.use_from("math", "sqrt");
    } else {
      // Debian has no QR codes for Python, and a small network in numpy would leave the interpreter: pure
      // Python for the same time shows the same.
      const std::string span = fmt::format("{:.9g}", seconds(compute->duration));
      if (compute->work == Work::inference) {
        file_.add_piece("infer");
        leaf.call = {"infer", features_ + ", " + span};
        return leaf;
      }
      file_.use_from("work", "burn");
      if (compute->work == Work::spin) return leaf;
      leaf.remark = "  # in place of " + leaf.call.text();
      leaf.call = {"burn", span};
    }
  } else if (const auto* call = step.as<CallUpstream>()) {
    file_.add_piece("upstream");
    const std::string url =
        file_.named("url", fmt::format("UPSTREAM + \"/delay?ms={:.9g}\"", seconds(call->duration) * 1e3));
    if (awaited) {
      leaf.awaitable = client(*call) + "(" + url + ")";
    } else {
      leaf.call = {requests(call->keep_connection), url};
    }
  } else {
    const bool kept = arm_.connections > 0;
    const char* fetch = kept ? "pool.fetch" : "fetch";
    file_.add_piece(awaited ? fetch
                    : kept  ? "execute_pooled"
                            : "execute",
                    {{"CONNECTIONS_", std::to_string(arm_.connections)}});
    // As `lab show` writes it, `cursor.execute("…")`: the text in it is the statement.
    leaf.awaitable = fmt::format("{}({})", fetch, leaf.call.arguments);
    leaf.call.function = "execute";
  }
  return leaf;
}

std::string PythonSteps::client(const CallUpstream& call) {
  file_.use("httpx");
  const bool patient = call.duration > kLongestCall;
  const std::string made = patient ? "httpx.AsyncClient(timeout=None)" : "httpx.AsyncClient()";
  std::string name = call.keep_connection ? file_.named("client", made)
                     : patient            ? "get_patiently"
                                          : "get_once";
  file_.add_piece(call.keep_connection ? "close_client" : "client_each_time",
                  {{"NAME_", name}, {"CLIENT_", made}});
  return call.keep_connection ? name + ".get" : name;
}

std::string PythonSteps::requests(bool keep) {
  file_.use("requests");
  if (!keep) return "requests.get";
  const bool threads = arm_.uses(Resource::pool) || arm_.uses(Resource::thread);
  file_.add_piece(threads && arm_.threads > kSessionConnections ? "large_session" : "session",
                  {{"THREADS_", std::to_string(arm_.threads)}});
  return "session.get";
}

std::string PythonSteps::file_to_read(const Compute& compute) {
  file_.add_piece("read_file");
  const std::string size = python_number(compute.units);
  if (!compute.file.empty()) return python_string(compute.file) + ", " + size;
  file_.add_piece("data_file");
  return "DATA_FILE, " + size;
}

Lines PythonSteps::statement(const Step& step) {
  if (const auto* wait = step.as<Wait>()) return this->wait(step, *wait);
  if (const auto* compute = step.as<Compute>()) {
    if (compute->work >= Work::coroutine_switch) return hand_over(step);
    Lines lines = leaf(step, mode_.computing);
    if (predicts_ && compute->work == Work::inference) lines.back().insert(0, "prediction = ");
    return lines;
  }
  if (is_python_leaf(step)) return leaf(step, mode_.waiting);
  if (step.is<Increment>()) {
    reply_ = R"({"count": count})";
    if (arm_.shared_counters) {
      file_.add_piece("count_one");
      return {"count = " + beside_the_loop("count_one")};
    }
    file_.set("counter = 0");
    counts_ = true;
    return {"counter += 1", "count = counter"};
  }
  if (const auto* repeat = step.as<Repeat>()) {
    Lines lines{"for _ in range(" + python_number(repeat->times) + "):"};
    append(lines, indented(statements(repeat->steps)));
    return lines;
  }
  if (const auto* job = step.as<Enqueue>()) {
    const Function function = function_of(job->steps, "job");
    reply_ = R"({"task_id": task_id, "status": "processing"})";
    return {"task_id = " + queue_call(job->queue, "enqueue", function.argument) + function.remark};
  }
  if (const auto* fetch = step.as<FetchResult>()) {
    reply_ = "result";
    return {"result = " + queue_call(fetch->queue, "result", "task_id")};
  }
  return in_thread() ? without_loop(step) : on_loop(step);
}

/// Tasks take turns on the loop that is there; a thread makes one for itself.
Lines PythonSteps::hand_over(const Step& step) {
  const PythonCall call = blocking_call(step);
  if (step.as<Compute>()->work != Work::coroutine_switch) {
    file_.add_piece("hand_over");
    file_.add_piece(call.function);
    return {call.text()};
  }
  file_.add_piece(call.function);
  if (asynchronous()) return {"await " + call.text()};
  file_.use("asyncio");
  return {"asyncio.run(" + call.text() + ")"};
}

Lines PythonSteps::without_loop(const Step& step) {
  Lines one_by_one;
  if (step.is<Forget>()) return one_by_one;
  for (const Plan* plan : nested_plans(step))
    if (!plan->empty() || !step.is<Gather>()) append(one_by_one, statements(*plan));
  return one_by_one;
}

Lines PythonSteps::on_loop(const Step& step) {
  if (step.is<Yield>()) {
    file_.use("asyncio");
    return {"await asyncio.sleep(0)"};
  }
  if (step.is<Ready>()) {
    file_.add_piece("ready");
    return {"await is_there_already()"};
  }
  if (const auto* gather = step.as<Gather>()) return this->gather(*gather);
  if (const auto* background = step.as<Background>()) return later(*background);
  if (const auto* forget = step.as<Forget>())
    return {coroutine_of(forget->steps, "later").argument + "  # no await"};
  const Function function = function_of(std::get<Pooled>(step.action).steps, "in_pool");
  return {to_pool(function.argument) + function.remark};
}

std::string PythonSteps::queue_call(const std::string& queue, const std::string& method,
                                    const std::string& argument) {
  const std::string function = python_identifier(queue) + "." + method;
  const auto found = arm_.queues.find(queue);
  const bool shared = found != arm_.queues.end() && found->second.shared;
  return shared ? beside_the_loop(function, argument) : function + "(" + argument + ")";
}

Lines PythonSteps::statements(const Plan& plan) {
  Lines lines;
  for (const Step& step : plan) append(lines, statement(step));
  if (lines.empty()) lines.emplace_back("pass");
  if (!plan.empty() && plan.back().is<Increment>() && !arm_.shared_counters) {
    lines.pop_back();  // nothing can come between
    reply_ = R"({"count": counter})";
  }
  return lines;
}

void PythonSteps::serve(const Route& route) {
  predicts_ = std::ranges::find(route.reply, ReplyField::prediction) != route.reply.end();
  if (!route.body.empty()) features_ = "body." + route.body.front().name;
}

Lines PythonSteps::silent_statements(const Plan& plan) {
  Lines lines = statements(plan);
  std::erase_if(lines, [](const std::string& line) { return line.ends_with("count = counter"); });
  constexpr std::string_view kAssigned = "count = ";
  for (std::string& line : lines) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (line.find("count_one") != std::string::npos && line.compare(begin, kAssigned.size(), kAssigned) == 0)
      line.erase(begin, kAssigned.size());
  }
  return lines;
}

std::string PythonSteps::beside_the_loop(const std::string& function, const std::string& arguments) {
  if (!asynchronous() || mode_.waiting == Resource::loop) return function + "(" + arguments + ")";
  file_.use_from("fastapi.concurrency", "run_in_threadpool");
  return "await run_in_threadpool(" + function + (arguments.empty() ? "" : ", " + arguments) + ")";
}

std::string PythonSteps::to_pool(const std::string& argument) {
  if (arm_.pool_processes) {
    file_.use("asyncio");
    return "await asyncio.get_running_loop().run_in_executor(processes, " + argument + ")";
  }
  file_.use_from("fastapi.concurrency", "run_in_threadpool");
  return "await run_in_threadpool(" + argument + ")";
}

Lines PythonSteps::leaf(const Step& step, Resource held) {
  const bool awaited = !step.blocking && held == Resource::nothing && mode_.handler == Resource::loop;
  const Leaf leaf = leaf_of(step, awaited);
  if (awaited) return {"await " + leaf.awaitable};
  const bool direct = step.blocking || held != Resource::pool || mode_.handler == Resource::pool;
  return {(direct ? leaf.call.text() : to_pool(leaf.call.as_argument())) + leaf.remark};
}

Lines PythonSteps::wait(const Step& step, const Wait& wait) {
  Lines inner = leaf(step, mode_.waiting);
  if (!wait.on_connection || arm_.connections == 0) return inner;
  const bool awaited = asynchronous() && !step.blocking;
  const std::string module = awaited ? "asyncio" : "threading";
  file_.use(module);
  const std::string places =
      file_.named("places", fmt::format("{}.Semaphore({})  # in place of a database's {} connections", module,
                                        arm_.connections, arm_.connections));
  Lines lines{(awaited ? "async with " : "with ") + places + ":"};
  append(lines, indented(inner));
  return lines;
}

Lines PythonSteps::gather(const Gather& gather) {
  file_.use("asyncio");
  const auto& branches = gather.branches;
  const bool same =
      std::ranges::all_of(branches, [&](const Plan& branch) { return is_same(branch, branches.front()); });
  std::vector<std::string> arguments;
  for (const Plan& branch : branches) {
    arguments.push_back(same && !arguments.empty() ? arguments.front()
                                                   : coroutine_of(branch, "part").argument);
  }
  return {gathered(arguments, same)};
}

Lines PythonSteps::later(const Background& background) {
  has_tasks_ = true;
  const Plan& plan = background.steps;
  const auto* pooled = only<Pooled>(plan);
  if (pooled != nullptr || !asynchronous()) {
    const Function job = function_of(pooled != nullptr ? pooled->steps : plan, "afterwards");
    return {"tasks.add_task(" + job.argument + ")" + job.remark};
  }
  const auto* wait = only<Wait>(plan);
  if (wait != nullptr && !plan.front().blocking && !wait->on_connection &&
      mode_.waiting == Resource::nothing) {
    file_.use("asyncio");
    return {"tasks.add_task(asyncio.sleep, " + blocking_call(plan.front()).arguments + ")"};
  }
  return {"tasks.add_task(" + define(plan, mode_, "afterwards") + ")"};
}

PythonSteps::Function PythonSteps::function_of(const Plan& plan, const std::string& suffix) {
  const auto* wait = only<Wait>(plan);
  if (plan.size() == 1 && is_python_leaf(plan.front()) && !(wait != nullptr && wait->on_connection)) {
    const Leaf leaf = leaf_of(plan.front(), false);
    return {leaf.call.as_argument(), leaf.remark};
  }
  return {define(plan, python_thread(), suffix), ""};
}

PythonSteps::Function PythonSteps::coroutine_of(const Plan& plan, const std::string& suffix) {
  const auto* wait = only<Wait>(plan);
  const bool one_await =
      mode_.waiting == Resource::nothing && wait != nullptr && !plan.front().blocking && !wait->on_connection;
  if (one_await) return {leaf_of(plan.front(), true).awaitable, ""};
  return {define(plan, mode_, suffix) + "()", ""};
}

std::string PythonSteps::define(const Plan& plan, const Traits& mode, const std::string& suffix) {
  std::string name = file_.unused(route_ + "_" + suffix);
  PythonSteps inner(file_, arm_, mode, name);
  const Lines statements = inner.silent_statements(plan);
  const std::string kind = mode.handler == Resource::loop ? "async def " : "def ";
  file_.add(python_function(kind + name + "()", inner, statements));
  return name;
}

Lines python_function(const std::string& head, const PythonSteps& steps, const Lines& statements,
                      const std::string& last) {
  Lines body;
  if (steps.counts()) body.emplace_back("global counter");
  if (last.empty() || statements != Lines{"pass"}) append(body, statements);
  if (!last.empty()) body.push_back(last);
  Lines lines{head + ":"};
  append(lines, indented(body));
  return lines;
}

}  // namespace lab
