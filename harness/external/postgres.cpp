#include "harness/external/postgres.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <fstream>
#include <map>
#include <memory>
#include <system_error>

#include "harness/external/supervisor.hpp"
#include "lab/core/clock.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace fs = std::filesystem;

namespace {

constexpr Nanos kStartDeadline = 30 * kSecond;
constexpr Nanos kStopPatience = 5 * kSecond;
constexpr Nanos kPause = 5 * kMillisecond;

/// PostgreSQL refuses to run as root: its packages bring a user of their own for that.
struct Identity {
  bool change = false;
  uid_t user = 0;
  gid_t group = 0;
};

Result<Identity> identity_for_postgres() {
  if (geteuid() != 0) return Identity{};
  const passwd* entry = getpwnam("postgres");
  if (entry == nullptr)
    return environment_error("PostgreSQL does not run as root, and there is no user 'postgres' to run it as");
  return Identity{true, entry->pw_uid, entry->pw_gid};
}

/// A child that ends when this process does, in a group of its own so that Ctrl-C is ours to act on.
Result<ChildProcess> launch(const std::vector<std::string>& command, const Identity& identity,
                            const fs::path& log) {
  const pid_t parent = getpid();
  auto child = ChildProcess::start(fs::path(command.front()).filename().string(), {}, [&] {
    setpgid(0, 0);
    const int output = open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    if (identity.change &&
        (setgroups(0, nullptr) != 0 || setgid(identity.group) != 0 || setuid(identity.user) != 0))
      return 126;
    // After the change of identity, which clears it (prctl(2)). SIGQUIT is PostgreSQL's immediate shutdown.
    prctl(PR_SET_PDEATHSIG, SIGQUIT, 0, 0, 0);
    if (getppid() != parent || chdir("/") != 0) return 126;
    execute(command);
    return 127;
  });
  if (child) setpgid(child->pid(), child->pid());
  return child;
}

std::string last_line(const fs::path& log) {
  std::ifstream file(log);
  std::string line;
  std::string last;
  while (std::getline(file, line)) {
    if (!line.empty()) last = line;
  }
  return last.empty() ? "it said nothing" : last;
}

/// Lets a moment pass; true when the run was interrupted meanwhile.
bool pause_or_interrupt() {
  await_ready(-1, 0, monotonic_now() + kPause);
  return interrupt_signal() != 0;
}

void end_group(ChildProcess& child, int signal_number, Nanos patience) {
  const pid_t leader = child.pid();
  child.signal(signal_number);
  if (!child.await_end(monotonic_now() + patience)) {
    kill(-leader, SIGKILL);
    child.await_end();
  }
  // Its own children have become ours where this process is their reaper.
  while (waitpid(-leader, nullptr, 0) > 0) {
  }
}

Result<void> make_cluster(const fs::path& programs, const fs::path& folder, const Identity& identity) {
  const fs::path log = folder / "initdb.log";
  LAB_TRY(ChildProcess child,
          launch({(programs / "initdb").string(), "-D", (folder / "data").string(), "-U", "lab", "-A",
                  "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions"},
                 identity, log));
  const Nanos until = monotonic_now() + kStartDeadline;
  std::optional<int> status;
  while (!(status = child.ended())) {
    const bool interrupted = pause_or_interrupt();
    if (!interrupted && monotonic_now() < until) continue;
    end_group(child, SIGKILL, 0);
    return environment_error("initdb was {}", interrupted ? "interrupted" : "not done after 30 s");
  }
  if (*status == 0) return {};
  return environment_error("initdb failed: {}", last_line(log));
}

using Connection = std::unique_ptr<PGconn, decltype(&PQfinish)>;

Connection connect(const std::string& url) {
  constexpr std::array<const char*, 3> kKeys{"dbname", "connect_timeout", nullptr};
  const std::array<const char*, 3> values{url.c_str(), "5", nullptr};
  constexpr int kExpandUrl = 1;
  return {PQconnectdbParams(kKeys.data(), values.data(), kExpandUrl), PQfinish};
}

std::string first_line(const std::string& message) {
  return message.substr(0, message.find('\n'));
}

Result<void> await_server(ChildProcess& server, const std::string& url, const fs::path& log) {
  const Nanos until = monotonic_now() + kStartDeadline;
  for (;;) {
    if (try_postgres(url)) return {};
    if (server.ended()) return environment_error("PostgreSQL did not start: {}", last_line(log));
    if (pause_or_interrupt()) return environment_error("PostgreSQL's start was interrupted");
    if (monotonic_now() >= until) return environment_error("PostgreSQL did not answer within 30 s");
  }
}

}  // namespace

fs::path postgres_programs() {
  std::map<int, fs::path> found;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator("/usr/lib/postgresql", ignored)) {
    const std::string version = entry.path().filename().string();
    const fs::path programs = entry.path() / "bin";
    int number = 0;
    std::from_chars(version.data(), version.data() + version.size(), number);
    if (access((programs / "initdb").c_str(), X_OK) == 0 &&
        access((programs / "postgres").c_str(), X_OK) == 0)
      found.emplace(number, programs);
  }
  return found.empty() ? fs::path{} : found.rbegin()->second;
}

Result<void> try_postgres(const std::string& url) {
  const Connection connection = connect(url);
  if (PQstatus(connection.get()) == CONNECTION_OK) return {};
  return environment_error("{}", first_line(PQerrorMessage(connection.get())));
}

Result<void> check_sql(const std::string& url, const std::vector<std::string>& statements) {
  if (statements.empty()) return {};
  const Connection connection = connect(url);
  for (const std::string& statement : statements) {
    const std::unique_ptr<PGresult, decltype(&PQclear)> prepared(
        PQprepare(connection.get(), "", statement.c_str(), 0, nullptr), PQclear);
    if (PQresultStatus(prepared.get()) == PGRES_COMMAND_OK) continue;
    return usage_error("query '{}': PostgreSQL says: {}", statement,
                       first_line(PQerrorMessage(connection.get())));
  }
  return {};
}

Result<LocalPostgres> LocalPostgres::start() {
  if (PQlibVersion() == 0) return environment_error("{}", first_line(PQerrorMessage(nullptr)));
  const fs::path programs = postgres_programs();
  if (programs.empty())
    return environment_error("PostgreSQL's server is not installed (apt-get install postgresql)");
  LAB_TRY(const Identity identity, identity_for_postgres());
  LocalPostgres postgres;
  LAB_TRY(postgres.folder_, TemporaryFolder::create("lab-postgres"));
  const fs::path& path = postgres.folder_.path();
  if (identity.change && chown(path.c_str(), identity.user, identity.group) != 0)
    return system_error("chown", path.string(), errno);
  LAB_CHECK(make_cluster(programs, path, identity));
  const fs::path log = path / "server.log";
  LAB_TRY(postgres.server_, launch({(programs / "postgres").string(), "-D", (path / "data").string(), "-k",
                                    path.string(), "-c", "listen_addresses=", "-c", "max_connections=300",
                                    "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "autovacuum=off"},
                                   identity, log));
  postgres.url_ = fmt::format("host={} user=lab dbname=postgres", path.string());
  LAB_CHECK(await_server(postgres.server_, postgres.url_, log));
  return postgres;
}

LocalPostgres::~LocalPostgres() {
  // SIGINT: PostgreSQL's fast shutdown, which waits for nobody.
  if (server_.there()) end_group(server_, SIGINT, kStopPatience);
}

}  // namespace lab
