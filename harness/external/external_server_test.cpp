#include "harness/external/external_server.hpp"

#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <fstream>

#include "harness/trace/server_use.hpp"
#include "lab/core/temporary.hpp"

#include "lab/core/testing/eventually.hpp"

namespace lab {
namespace {

using Catch::Matchers::Contains;

const std::string kPython = "/usr/bin/python3";

/// Listens at the port of its first argument and answers every request; PORT stands for that.
const std::string kPythonServer = R"(
import socket, sys
s = socket.create_server(('127.0.0.1', int(sys.argv[1])))
while True:
    c, _ = s.accept()
    if c.recv(999): c.sendall(b'HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n')
    c.close()
)";

ExternalCommand python(const std::string& script) {
  ExternalCommand command;
  command.arguments = {kPython, "-ISc", script, "{port}"};
  return command;
}

ExternalCommand shell(const std::string& script) {
  ExternalCommand command;
  command.arguments = {"sh", "-c", script, "{port}"};
  return command;
}

/// How many processes have this word among their arguments.
int running_with(const std::string& word) {
  int found = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", ignored)) {
    std::ifstream file(entry.path() / "cmdline", std::ios::binary);
    const std::string line{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
    if (line.find(word) != std::string::npos) ++found;
  }
  return found;
}

std::string a_word() {
  static int number = 0;
  return "lab-test-" + std::to_string(getpid()) + "-" + std::to_string(++number);
}

TEST_CASE("a server is started at a port of its own, answers, and is gone after stop") {
  auto server = ExternalServer::start(python(kPythonServer));
  REQUIRE(server.has_value());
  const pid_t supervisor = server->pid();
  CHECK(server->port() != 0);
  CHECK_FALSE(server->ended().has_value());
  CHECK(descendants_of(supervisor).size() == 1);
  CHECK(server->stop(5 * kSecond));
  CHECK(::kill(supervisor, 0) != 0);
  CHECK(server->pid() == -1);
}

TEST_CASE("any HTTP status below 500 at the ready path means that it is ready") {
  ExternalCommand command = python(kPythonServer);
  command.ready = "/docs";
  CHECK(ExternalServer::start(command).has_value());
  command.ready = "http://localhost:{port}/";
  CHECK(ExternalServer::start(command).has_value());
}

TEST_CASE("a server that still answers 503 at the ready path is not ready") {
  ExternalCommand command = python(R"(
import socket, sys
s = socket.create_server(('127.0.0.1', int(sys.argv[1])))
while True:
    c, _ = s.accept()
    if c.recv(999): c.sendall(b'HTTP/1.1 503 Wait\r\nContent-Length: 0\r\n\r\n')
    c.close()
)");
  command.ready = "/health";
  command.patience = 300 * kMillisecond;
  const auto server = ExternalServer::start(command);
  REQUIRE_FALSE(server.has_value());
  CHECK_THAT(server.error().message, Contains("did not answer"));
}

TEST_CASE("a program that is not there, or no program, is named") {
  ExternalCommand command = python("");
  command.arguments[0] = "/no/such/program";
  auto server = ExternalServer::start(command);
  REQUIRE_FALSE(server.has_value());
  CHECK(server.error().kind == ErrorKind::environment);
  CHECK_THAT(server.error().message, Contains("/no/such/program") && Contains("no such program"));
  command.arguments[0] = "/etc/passwd";
  CHECK_THAT(ExternalServer::start(command).error().message, Contains("not executable"));
  command = shell("exit 0");
  command.folder = "/no/such/folder";
  CHECK_THAT(ExternalServer::start(command).error().message, Contains("/no/such/folder"));
  command.arguments.clear();
  CHECK(ExternalServer::start(command).error().kind == ErrorKind::usage);
}

TEST_CASE("the error names the exit code of a program that ends while it starts, and its last line") {
  auto server = ExternalServer::start(shell("echo one; echo 'no module named app' >&2; exit 3"));
  REQUIRE_FALSE(server.has_value());
  CHECK(server.error().kind == ErrorKind::environment);
  CHECK_THAT(server.error().message, Contains("exit code 3") && Contains("no module named app"));
  CHECK_THAT(ExternalServer::start(shell("kill -9 $$")).error().message, Contains("signal 9"));
  CHECK_THAT(ExternalServer::start(shell("true")).error().message, Contains("foreground"));
}

TEST_CASE("a program that never answers is given up with its last lines, and nothing of it stays") {
  const std::string word = a_word();
  ExternalCommand command = shell("echo still thinking; sleep 600; : " + word);
  command.patience = 200 * kMillisecond;
  auto server = ExternalServer::start(command);
  REQUIRE_FALSE(server.has_value());
  CHECK_THAT(server.error().message, Contains("did not answer") && Contains("still thinking"));
  CHECK(running_with(word) == 0);
}

TEST_CASE("a program that listens at another port than its own is reported") {
  ExternalCommand command = python("import sys; sys.argv[1] = '0'\n" + kPythonServer);
  command.patience = 300 * kMillisecond;
  auto server = ExternalServer::start(command);
  REQUIRE_FALSE(server.has_value());
  CHECK_THAT(server.error().message, Contains("did not answer at port") && Contains("it listens at ") &&
                                         Contains("but it must listen at {port}"));
}

TEST_CASE("that somebody else answers at the ready URL does not make a server ready") {
  auto other = ExternalServer::start(python(kPythonServer));
  REQUIRE(other.has_value());
  ExternalCommand command = shell("echo nobody listens; sleep 600");
  command.patience = 300 * kMillisecond;
  command.ready = "http://127.0.0.1:" + std::to_string(other->port()) + "/";
  auto server = ExternalServer::start(command);
  REQUIRE_FALSE(server.has_value());
  CHECK_THAT(server.error().message, Contains("did not answer at port") && Contains("nobody listens"));
  CHECK(server.error().message.find(std::to_string(other->port())) == std::string::npos);
}

TEST_CASE("a program that ignores TERM is killed after the patience") {
  auto server =
      ExternalServer::start(python("import signal; signal.signal(15, signal.SIG_IGN)\n" + kPythonServer));
  REQUIRE(server.has_value());
  CHECK_FALSE(server->stop(100 * kMillisecond));
  CHECK(server->pid() == -1);
}

TEST_CASE("daemons with sessions of their own end with the server that made them") {
  const std::string word = a_word();
  const std::vector<pid_t> before = descendants_of(getpid());
  const std::string daemon = "setsid sh -c 'sleep 600; : " + word + "' & ";
  auto server = ExternalServer::start(
      shell(daemon + "(" + daemon + ") ; exec " + kPython + " -ISc \"" + kPythonServer + "\" $0"));
  REQUIRE(server.has_value());
  CHECK(test::eventually([&] { return running_with(word) >= 2; }));
  CHECK(server->stop(5 * kSecond));
  CHECK(running_with(word) == 0);
  CHECK(descendants_of(getpid()) == before);
}

TEST_CASE("when this process is killed the supervisor ends everything") {
  const std::string word = a_word();
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t lab = fork();
  REQUIRE(lab >= 0);
  if (lab == 0) {
    auto server = ExternalServer::start(
        shell("setsid sleep 600 & exec " + kPython + " -ISc \"" + kPythonServer + "\" $0 " + word));
    const pid_t supervisor = server ? server->pid() : -1;
    if (write(ends[1], &supervisor, sizeof supervisor) < 0) _exit(1);
    pause();
    _exit(0);
  }
  pid_t supervisor = -1;
  REQUIRE(read(ends[0], &supervisor, sizeof supervisor) == sizeof supervisor);
  REQUIRE(supervisor > 0);
  const std::vector<pid_t> family = descendants_of(supervisor);
  CHECK(family.size() == 2);
  ::kill(lab, SIGKILL);
  waitpid(lab, nullptr, 0);
  for (const pid_t pid : family) CHECK(test::eventually([&] { return ::kill(pid, 0) != 0; }));
  CHECK(running_with(word) == 0);
  // Where an ancestor reaps orphans it is not this process that must.
  while (waitpid(supervisor, nullptr, 0) < 0 && errno == EINTR) {
  }
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("a killed supervisor takes the program with it and is noticed") {
  auto server = ExternalServer::start(python(kPythonServer));
  REQUIRE(server.has_value());
  const pid_t program = descendants_of(server->pid()).front();
  ::kill(server->pid(), SIGKILL);
  CHECK(test::eventually([&] { return server->ended().has_value(); }));
  server->kill();
  CHECK(::kill(program, 0) != 0);
}

TEST_CASE("a program that dies later is reported with its last words") {
  auto server = ExternalServer::start(python(kPythonServer));
  REQUIRE(server.has_value());
  ::kill(descendants_of(server->pid()).front(), SIGSEGV);
  CHECK(test::eventually([&] { return server->ended().has_value(); }));
  CHECK_THAT(*server->ended(), Contains("signal 11"));
}

TEST_CASE(
    "of what a program wrote that ended, the line that names the error is reported, and the whole is kept") {
  const auto reported = [](const std::string& program, std::string& said) {
    const auto server = ExternalServer::start(python(program), &said);
    REQUIRE_FALSE(server.has_value());
    return server.error().message;
  };
  std::string said;
  CHECK_THAT(reported("import json\njson.loads('{no')", said),
             Contains("ended with exit code 1: json.decoder.JSONDecodeError: "));
  CHECK(std::count(said.begin(), said.end(), '\n') > 5);
  CHECK_THAT(said, Contains("Traceback"));
  const std::string node = reported(
      "import sys\nsys.exit('x.js:1\\nthrow 1\\n\\nError: so it is\\n    at f (x.js:1:7)\\n\\nNode.js v18')",
      said);
  CHECK_THAT(node, Contains("exit code 1: Error: so it is"));
  CHECK(node.find('|') == std::string::npos);
  CHECK_THAT(reported("import sys\nsys.exit('first\\nsecond')", said), Contains("exit code 1: second"));
}

TEST_CASE("where the port was taken meanwhile another one is tried, three times in all") {
  auto folder = TemporaryFolder::create("lab-test");
  REQUIRE(folder.has_value());
  ExternalCommand command = shell(
      "echo $0 >> ports; [ $(wc -l < ports) = 3 ] || { echo '[Errno 98] Address "
      "already in use'; exit 1; }; exec " +
      kPython + " -ISc \"" + kPythonServer + "\" $0");
  command.folder = folder->path().string();
  CHECK(ExternalServer::start(command).has_value());
  auto server = ExternalServer::start(command);
  REQUIRE_FALSE(server.has_value());
  CHECK_THAT(server.error().message, Contains("Address already in use"));
  std::ifstream ports(folder->path() / "ports");
  CHECK(std::count(std::istreambuf_iterator<char>(ports), {}, '\n') == 6);
}

TEST_CASE("the program has nothing of ours: no descriptor, no signal, nothing to read") {
  int ends[2];
  REQUIRE(pipe(ends) == 0);  // without CLOEXEC
  ::signal(SIGPIPE, SIG_IGN);
  ExternalCommand command =
      shell("ls /proc/self/fd | wc -l; grep SigIgn /proc/self/status; cat; echo \"word $WORD\"; exit 1");
  command.environment = {{"WORD", "for {port}"}};
  std::string said;
  auto server = ExternalServer::start(command, &said);
  ::signal(SIGPIPE, SIG_DFL);
  REQUIRE_FALSE(server.has_value());
  // 0, 1, 2 and the folder that is being listed.
  CHECK_THAT(said, Contains("4\nSigIgn:\t0000000000000000\nword for "));
  close(ends[0]);
  close(ends[1]);
}

TEST_CASE("endless output neither stops the program nor fills the memory, and its last lines are kept") {
  auto server = ExternalServer::start(
      python("import sys\nfor i in range(200000): print('x' * 90, i)\nsys.stdout.flush()\n" + kPythonServer));
  REQUIRE(server.has_value());
  const auto lines = server->last_lines(2);
  REQUIRE(lines.size() == 2);
  CHECK_THAT(lines[1], Contains(" 199999"));
  CHECK(server->last_lines(100'000).size() < 1'000);
}

TEST_CASE("all workers are waited for") {
  ExternalCommand command = python(R"(
import os, select, socket, sys, time
s = socket.create_server(('127.0.0.1', int(sys.argv[1])))
for k in range(3):
    if os.fork() == 0:
        time.sleep(0.1 * k)
        e = select.epoll(); e.register(s, 1)
        while True: e.poll()
while True: time.sleep(1)
)");
  command.workers = 3;
  const Nanos began = monotonic_now();
  auto server = ExternalServer::start(command);
  REQUIRE(server.has_value());
  CHECK(descendants_of(server->pid()).size() == 4);
  CHECK(monotonic_now() - began >= 200 * kMillisecond);
}

TEST_CASE("a command line is split as a shell does") {
  const auto words = [](const std::string& line) { return split_command(line).value(); };
  using Words = std::vector<std::string>;
  CHECK(words("node server.js {port}") == Words{"node", "server.js", "{port}"});
  CHECK(words("  a 'b c'  \"d \\\" e\" f\\ g ''") == Words{"a", "b c", "d \" e", "f g", ""});
  CHECK(words("a'b'\"c\" '\\n' \"\\n\"") == Words{"abc", "\\n", "\\n"});
  CHECK(words("node server.js \\\n  {port} a\\\nb 'c\\\nd'") ==
        Words{"node", "server.js", "{port}", "ab", "c\\\nd"});
  CHECK_THAT(split_command("sh -c 'open").error().message, Contains("open quote"));
  CHECK(split_command(" ").error().kind == ErrorKind::usage);
}

}  // namespace
}  // namespace lab
