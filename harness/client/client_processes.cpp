#include "harness/client/client_processes.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <utility>

#include "lab/core/paths.hpp"

namespace lab {

namespace {

/// Everything that would make it differ from what was asked is off: a .curlrc, proxies, a deadline of its
/// own.
const std::vector<std::string> kPlainCurl{"--disable",   "--silent",  "--include", "--raw",
                                          "--no-buffer", "--http1.1", "--noproxy", "*"};

std::string_view next_line(std::string_view& text) {
  constexpr std::string_view kEnd = "\r\n";
  const std::size_t size = std::min(text.find(kEnd), text.size());
  const std::string_view line = text.substr(0, size);
  text.remove_prefix(std::min(size + kEnd.size(), text.size()));
  return line;
}

/// With no signal blocked and none ignored, as from a shell.
int spawn(const std::string& program, const std::vector<std::string>& words, int output, pid_t& pid) {
  std::vector<char*> arguments{const_cast<char*>(program.c_str())};
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  sigset_t none;
  sigset_t usual;
  sigemptyset(&none);
  sigfillset(&usual);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &usual);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  const int error = posix_spawn(&pid, program.c_str(), &files, &attributes, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&files);
  posix_spawnattr_destroy(&attributes);
  return error;
}

}  // namespace

std::vector<std::string> curl_arguments(std::string_view request) {
  std::string_view first = next_line(request);
  const std::string_view method = first.substr(0, first.find(' '));
  first.remove_prefix(std::min(method.size() + 1, first.size()));
  const std::string_view path = first.substr(0, first.find(' '));
  std::vector<std::string> words = kPlainCurl;
  words.insert(words.end(), {"--request", std::string(method)});
  std::string host;
  while (!request.empty()) {
    constexpr std::string_view kHost = "Host: ";
    const std::string_view field = next_line(request);
    if (field.starts_with(kHost)) {
      host = field.substr(kHost.size());
    } else if (!field.empty()) {
      words.insert(words.end(), {"--header", std::string(field)});
    }
  }
  words.push_back("http://" + host + std::string(path));
  return words;
}

ClientProcesses::~ClientProcesses() {
  while (!clients_.empty()) end(clients_.begin()->first);
  reap(true);
}

std::optional<int> ClientProcesses::prepare(std::uint32_t connection) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return std::nullopt;
  fcntl(ends[0], F_SETFL, O_NONBLOCK);
  clients_[connection] = {.output = ends[1]};
  return ends[0];
}

int ClientProcesses::start(std::uint32_t connection, std::string_view request) {
  Client& client = clients_.at(connection);
  const auto curl = find_program("curl");
  if (!curl) return ENOENT;
  const int error = spawn(curl->string(), curl_arguments(request), client.output, client.pid);
  if (error != 0) client.pid = -1;
  close(std::exchange(client.output, -1));  // so that the reply's end is seen when the process ends
  return error;
}

void ClientProcesses::end(std::uint32_t connection) {
  const auto found = clients_.find(connection);
  if (found == clients_.end()) return;
  const Client client = found->second;
  clients_.erase(found);
  if (client.output >= 0) close(client.output);
  if (client.pid > 0) {
    kill(client.pid, SIGKILL);
    ended_.push_back(client.pid);
  }
  reap(false);
}

void ClientProcesses::reap(bool all) {
  std::erase_if(ended_, [&](pid_t pid) {
    pid_t reaped = 0;
    do {
      reaped = waitpid(pid, nullptr, all ? 0 : WNOHANG);
    } while (reaped < 0 && errno == EINTR);
    return reaped != 0;
  });
}

}  // namespace lab
