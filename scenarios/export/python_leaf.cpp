#include "scenarios/export/python_leaf.hpp"

#include <fmt/format.h>

namespace lab {

namespace {

/// Beyond this, httpx's own patience of 5 s would end the call.
constexpr Nanos kLongestCall = 4 * kSecond;
/// Connections that requests keeps unless it is told otherwise.
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

}  // namespace

PythonLeaf python_leaf(PythonFile& file, const Step& step, const Arm& arm, Awaited awaited) {
  return std::visit(LeafOf(file, step, arm, awaited), step.action);
}

bool is_python_leaf(const Step& step) {
  return std::holds_alternative<Wait>(step.action) || std::holds_alternative<Compute>(step.action) ||
         std::holds_alternative<CallUpstream>(step.action) || std::holds_alternative<Query>(step.action);
}

}  // namespace lab
