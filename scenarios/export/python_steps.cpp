#include "scenarios/export/python_steps.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"
#include "scenarios/loader/python.hpp"

namespace lab {

namespace {

/// A step that waits or computes, in both worlds; what it needs is in the module.
struct PythonLeaf {
  PythonCall call;        ///< `time.sleep` and `0.1`
  std::string awaitable;  ///< `asyncio.sleep(0.1)`; empty for what computes
  std::string remark;     ///< `  # in place of qrcode.make(text)`
};

/// Which of the two is going to be used, for only its imports are wanted.
enum class Awaited { no, yes };

/// Beyond this, httpx's own patience of 5 s would end the call.
constexpr Nanos kLongestCall = 4 * kSecond;
/// So many connections the library `requests` keeps by default.
constexpr int kSessionConnections = 10;

std::string from_environment(PythonFile& file, const std::string& name, const std::string& otherwise) {
  file.use("os");
  file.set(fmt::format("{} = os.environ.get(\"{}\", {})", name, name, python_string(otherwise)));
  return name;
}

class LeafOf {
 public:
  LeafOf(PythonFile& file, const Step& step, const Arm& arm, Awaited awaited)
      : file_(file), step_(step), arm_(arm), awaited_(awaited == Awaited::yes) {}

  PythonLeaf operator()(const Wait& /*wait*/) {
    file_.use(awaited_ ? "asyncio" : "time");
    return {blocking_call(step_), awaitable(step_), ""};
  }

  PythonLeaf operator()(const Compute& compute) {
    const PythonCall call = blocking_call(step_);
    switch (compute.work) {
      case Work::sqrt_sum: file_.use_from("math", "sqrt"); return {call, "", ""};
      case Work::file_read: return {{"read_file", file_to_read(compute)}, "", ""};
      case Work::spin: file_.use_from("work", "burn"); return {call, "", ""};
      default:
        // Debian has no QR codes for Python, and a small network in numpy would leave the interpreter: pure
        // Python for the same time shows the same.
        file_.use_from("work", "burn");
        return {
            {"burn", fmt::format("{:.9g}", seconds(compute.duration))}, "", "  # in place of " + call.text()};
    }
  }

  PythonLeaf operator()(const CallUpstream& call) {
    from_environment(file_, "UPSTREAM", "http://127.0.0.1:9000");
    const std::string url =
        file_.named("url", fmt::format("UPSTREAM + \"/delay?ms={:.9g}\"", seconds(call.duration) * 1e3));
    if (!awaited_) return {{requests(call.keep_connection), url}, "", ""};
    file_.use("httpx");
    const std::string client =
        call.duration > kLongestCall ? "httpx.AsyncClient(timeout=None)" : "httpx.AsyncClient()";
    return {
        {}, (call.keep_connection ? kept_client(client) : client_each_time(client)) + "(" + url + ")", ""};
  }

  PythonLeaf operator()(const Query& /*query*/) {
    from_environment(file_, "DATABASE_URL", "postgresql:///postgres");
    // As `lab show` spells it, `cursor.execute("…")`: the text in it is the statement.
    PythonLeaf leaf{blocking_call(step_), awaitable(step_), ""};
    const std::string& statement = leaf.call.arguments;
    if (awaited_) {
      file_.use("asyncpg");
      leaf.awaitable = fetch() + "(" + statement + ")";
    } else {
      file_.use("psycopg2");
      leaf.call.function = execute();
    }
    return leaf;
  }

  template <class Other>
  PythonLeaf operator()(const Other& /*step*/) {
    return {};
  }

 private:
  bool needs_threads() const { return arm_.uses(Resource::pool) || arm_.uses(Resource::thread); }

  /// The function of a client that all requests share: it keeps its connections until the server ends.
  std::string kept_client(const std::string& client) {
    const std::string name = file_.named("client", client);
    file_.add({"@app.on_event(\"shutdown\")",
               "async def close_" + name + "():", "    await " + name + ".aclose()"});
    return name + ".get";
  }

  /// One that opens a connection for each call, and closes it.
  std::string client_each_time(const std::string& client) {
    const bool patient = client != "httpx.AsyncClient()";
    std::string name = patient ? "get_patiently" : "get_once";
    file_.add({"async def " + name + "(url):", "    async with " + client + " as client:",
               "        return await client.get(url)"});
    return name;
  }

  /// Its function; a session keeps its connections.
  std::string requests(bool keep) {
    file_.use("requests");
    if (!keep) return "requests.get";
    file_.set("session = requests.Session()");
    if (arm_.threads > kSessionConnections && needs_threads()) {
      file_.use_from("requests.adapters", "HTTPAdapter");
      file_.set(fmt::format("session.mount(\"http://\", HTTPAdapter(pool_maxsize={}))", arm_.threads));
    }
    return "session.get";
  }

  std::string file_to_read(const Compute& compute) {
    file_.add({"def read_file(path, size):", "    with open(path, \"rb\") as file:",
               "        while size > 0:", "            piece = file.read(min(size, 65_536))",
               "            size -= len(piece)",
               "            if not piece:", "                file.seek(0)  # a shorter one is read again"});
    if (!compute.file.empty())
      return fmt::format("{}, {}", python_string(compute.file), python_number(compute.units));
    from_environment(file_, "DATA_FILE", "data.bin");
    file_.set(
        "if not os.path.exists(DATA_FILE):\n"
        "    with open(DATA_FILE, \"wb\") as file:\n"
        "        file.write(b\"x\" * 8_000_000)");
    return "DATA_FILE, " + python_number(compute.units);
  }

  std::string fetch() {
    if (arm_.connections == 0) {
      file_.add({"async def fetch(statement):", "    connection = await asyncpg.connect(DATABASE_URL)",
                 "    try:", "        return await connection.fetch(statement)",
                 "    finally:", "        await connection.close()"});
      return "fetch";
    }
    file_.set("pool = None");
    file_.add({"@app.on_event(\"startup\")", "async def connect():", "    global pool",
               fmt::format("    pool = await asyncpg.create_pool(DATABASE_URL, min_size={0}, max_size={0})",
                           arm_.connections)});
    file_.add({"@app.on_event(\"shutdown\")", "async def disconnect():", "    await pool.close()"});
    return "pool.fetch";
  }

  std::string execute() {
    if (arm_.connections == 0) {
      file_.add({"def execute(statement):", "    connection = psycopg2.connect(DATABASE_URL)",
                 "    with connection.cursor() as cursor:", "        cursor.execute(statement)",
                 "    connection.close()"});
      return "execute";
    }
    file_.use("queue");
    file_.set("connections = queue.SimpleQueue()");
    file_.set(fmt::format("for _ in range({}):\n    connections.put(psycopg2.connect(DATABASE_URL))",
                          arm_.connections));
    file_.add({"def execute(statement):", "    connection = connections.get()  # waits until one is free",
               "    try:", "        with connection, connection.cursor() as cursor:",
               "            cursor.execute(statement)",
               "    finally:", "        connections.put(connection)"});
    return "execute";
  }

  PythonFile& file_;
  const Step& step_;
  const Arm& arm_;
  bool awaited_;
};

PythonLeaf python_leaf(PythonFile& file, const Step& step, const Arm& arm, Awaited awaited) {
  return std::visit(LeafOf(file, step, arm, awaited), step.action);
}

bool is_same(const Plan& a, const Plan& b) {
  return python_statements(a, python_thread()) == python_statements(b, python_thread());
}

}  // namespace

class PythonSteps::Statement {
 public:
  Statement(PythonSteps& steps, const Step& step) : steps_(steps), step_(step) {}

  Lines operator()(const Wait& wait) const { return steps_.wait(step_, wait); }
  Lines operator()(const CallUpstream& /*step*/) const { return steps_.leaf(step_, steps_.mode_.waiting); }
  Lines operator()(const Query& /*step*/) const { return steps_.leaf(step_, steps_.mode_.waiting); }
  Lines operator()(const Compute& /*step*/) const { return steps_.leaf(step_, steps_.mode_.computing); }

  Lines operator()(const Increment& /*step*/) const {
    PythonFile& file = steps_.file_;
    steps_.reply_ = R"({"count": count})";
    if (!steps_.arm_.shared_counters) {
      file.set("counter = 0");
      steps_.counts_ = true;
      return {"counter += 1", "count = counter"};
    }
    file.use("os");
    file.use("sqlite3");
    file.set(R"(STORE = os.environ.get("STORE", "store.sqlite"))");
    file.set("database = sqlite3.connect(STORE, timeout=30, isolation_level=None, check_same_thread=False)");
    file.set(R"py(database.execute("pragma synchronous = off")  # a count need not outlive the machine)py");
    file.set(
        R"py(database.execute("create table if not exists counter (id integer primary key, n integer)"))py");
    file.set(R"py(database.execute("insert or ignore into counter values (1, 0)"))py");
    file.add({"def count_one():",
              R"py(    (count,) = database.execute("update counter set n = n + 1 returning n").fetchone())py",
              "    return count"});
    return {"count = " + steps_.beside_the_loop("count_one")};
  }

  Lines operator()(const Yield& /*step*/) const {
    if (steps_.in_thread()) return {};
    steps_.file_.use("asyncio");
    return {"await asyncio.sleep(0)"};
  }
  Lines operator()(const Ready& /*step*/) const {
    if (steps_.in_thread()) return {};
    steps_.file_.add({"async def is_there_already():", "    pass"});
    return {"await is_there_already()"};
  }
  Lines operator()(const Repeat& repeat) const {
    Lines lines{"for _ in range(" + python_number(repeat.times) + "):"};
    append(lines, indented(steps_.statements(repeat.steps)));
    return lines;
  }
  Lines operator()(const Gather& gather) const {
    if (!steps_.in_thread()) return steps_.gather(gather);
    Lines one_by_one;
    for (const Plan& branch : gather.branches)
      if (!branch.empty()) append(one_by_one, steps_.statements(branch));
    return one_by_one;
  }
  Lines operator()(const Pooled& pooled) const {
    if (steps_.in_thread()) return steps_.statements(pooled.steps);
    const Function function = steps_.function_of(pooled.steps, "in_pool");
    return {steps_.to_pool(function.argument) + function.remark};
  }
  Lines operator()(const Forget& forget) const {
    if (steps_.in_thread()) return {};
    return {steps_.coroutine_of(forget.steps, "later").argument + "  # no await"};
  }
  Lines operator()(const Background& background) const {
    return steps_.in_thread() ? steps_.statements(background.steps) : steps_.later(background);
  }
  Lines operator()(const Enqueue& job) const {
    const Function function = steps_.function_of(job.steps, "job");
    steps_.reply_ = R"({"task_id": task_id, "status": "processing"})";
    const std::string queue = python_identifier(job.queue);
    if (!steps_.is_shared(job.queue))
      return {fmt::format("task_id = {}.enqueue({}){}", queue, function.argument, function.remark)};
    return {"task_id = " + steps_.beside_the_loop(queue + ".enqueue", function.argument) + function.remark};
  }
  Lines operator()(const FetchResult& fetch) const {
    steps_.reply_ = R"({"task_id": task_id, "status": status})";
    const std::string queue = python_identifier(fetch.queue);
    if (!steps_.is_shared(fetch.queue)) return {fmt::format("status = {}.status(task_id)", queue)};
    return {"status = " + steps_.beside_the_loop(queue + ".status", "task_id")};
  }

 private:
  PythonSteps& steps_;
  const Step& step_;
};

Lines PythonSteps::statements(const Plan& plan) {
  Lines lines;
  for (const Step& step : plan) append(lines, std::visit(Statement(*this, step), step.action));
  if (lines.empty()) lines.emplace_back("pass");
  if (!plan.empty() && std::holds_alternative<Increment>(plan.back().action) && !arm_.shared_counters) {
    lines.pop_back();  // nothing can come between
    reply_ = R"({"count": counter})";
  }
  return lines;
}

Lines PythonSteps::silent_statements(const Plan& plan) {
  Lines lines = statements(plan);
  lines.erase(std::remove_if(lines.begin(), lines.end(),
                             [](const std::string& line) { return line.ends_with("count = counter"); }),
              lines.end());
  constexpr std::string_view kAssigned = "count = ";
  for (std::string& line : lines) {
    const std::size_t begin = line.find_first_not_of(' ');
    if (line.find("count_one") != std::string::npos && line.compare(begin, kAssigned.size(), kAssigned) == 0)
      line.erase(begin, kAssigned.size());
  }
  return lines;
}

bool PythonSteps::is_shared(const std::string& queue) const {
  const auto found = arm_.queues.find(queue);
  return found != arm_.queues.end() && found->second.shared;
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
  const PythonLeaf leaf = python_leaf(file_, step, arm_, awaited ? Awaited::yes : Awaited::no);
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
  const bool same = std::all_of(branches.begin(), branches.end(),
                                [&](const Plan& branch) { return is_same(branch, branches.front()); });
  std::vector<std::string> arguments;
  for (const Plan& branch : branches) {
    arguments.push_back(same && !arguments.empty() ? arguments.front()
                                                   : coroutine_of(branch, "part").argument);
  }
  constexpr std::size_t kMaxSpelled = 3;
  if (same && arguments.size() > kMaxSpelled) {
    return {
        fmt::format("await asyncio.gather(*({} for _ in range({})))", arguments.front(), branches.size())};
  }
  return {"await asyncio.gather(" + join(arguments, ", ") + ")"};
}

Lines PythonSteps::later(const Background& background) {
  has_tasks_ = true;
  const Plan& plan = background.steps;
  const auto* pooled = plan.size() == 1 ? std::get_if<Pooled>(&plan.front().action) : nullptr;
  if (pooled != nullptr || !asynchronous()) {
    const Function job = function_of(pooled != nullptr ? pooled->steps : plan, "afterwards");
    return {"tasks.add_task(" + job.argument + ")" + job.remark};
  }
  const auto* wait =
      plan.size() == 1 && !plan.front().blocking ? std::get_if<Wait>(&plan.front().action) : nullptr;
  if (wait != nullptr && !wait->on_connection && mode_.waiting == Resource::nothing) {
    file_.use("asyncio");
    return {"tasks.add_task(asyncio.sleep, " + blocking_call(plan.front()).arguments + ")"};
  }
  return {"tasks.add_task(" + define(plan, mode_, "afterwards") + ")"};
}

PythonSteps::Function PythonSteps::function_of(const Plan& plan, const std::string& suffix) {
  const auto* wait = plan.size() == 1 ? std::get_if<Wait>(&plan.front().action) : nullptr;
  if (plan.size() == 1 && is_python_leaf(plan.front()) && !(wait != nullptr && wait->on_connection)) {
    const PythonLeaf leaf = python_leaf(file_, plan.front(), arm_, Awaited::no);
    return {leaf.call.as_argument(), leaf.remark};
  }
  return {define(plan, python_thread(), suffix), ""};
}

PythonSteps::Function PythonSteps::coroutine_of(const Plan& plan, const std::string& suffix) {
  const auto* wait =
      plan.size() == 1 && !plan.front().blocking ? std::get_if<Wait>(&plan.front().action) : nullptr;
  const bool one_await = mode_.waiting == Resource::nothing && wait != nullptr && !wait->on_connection;
  if (one_await) return {python_leaf(file_, plan.front(), arm_, Awaited::yes).awaitable, ""};
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
