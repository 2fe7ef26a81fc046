#include "harness/trace/listening.hpp"

#include <fmt/format.h>

#include <charconv>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>

#include "lab/core/text.hpp"

namespace lab {

namespace {

namespace fs = std::filesystem;

std::string text_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words = split(line, ' ');
  std::erase_if(words, [](const std::string& word) { return word.empty(); });
  return words;
}

/// Whether an epoll set watches one of these descriptors: its lines begin with `tfd:        5 events: …`.
bool watches_any(const fs::path& fdinfo, const std::set<std::string>& descriptors) {
  for (const std::string& line : split(text_of(fdinfo), '\n')) {
    if (!line.starts_with("tfd:")) continue;
    const std::vector<std::string> words = words_of(line);
    if (words.size() > 1 && descriptors.count(words[1]) != 0) return true;
  }
  return false;
}

/// Of all processes in the network of this one, by what a descriptor of theirs points to.
std::map<std::string, std::uint16_t> sockets_around(pid_t pid, const std::string& proc) {
  std::map<std::string, std::uint16_t> sockets;
  for (const char* table : {"tcp", "tcp6"}) {
    for (const auto& [inode, port] :
         listening_sockets(text_of(fmt::format("{}/{}/net/{}", proc, pid, table))))
      sockets["socket:[" + inode + "]"] = port;
  }
  return sockets;
}

/// Calls `visit(number, target)` for each open descriptor.
template <class Visitor>
void for_each_descriptor(pid_t pid, const std::string& proc, Visitor&& visit) {
  std::error_code error;
  for (fs::directory_iterator entry(fmt::format("{}/{}/fd", proc, pid), error), end; !error && entry != end;
       entry.increment(error)) {
    std::error_code gone;
    visit(entry->path().filename().string(), fs::read_symlink(entry->path(), gone).string());
  }
}

}  // namespace

std::map<std::string, std::uint16_t> listening_sockets(std::string_view net_tcp) {
  constexpr std::size_t kAddress = 1;
  constexpr std::size_t kState = 3;
  constexpr std::size_t kInode = 9;
  std::map<std::string, std::uint16_t> sockets;
  for (const std::string& line : split(net_tcp, '\n')) {
    const std::vector<std::string> words = words_of(line);
    if (words.size() <= kInode || words[kState] != "0A") continue;
    const std::string digits = words[kAddress].substr(words[kAddress].rfind(':') + 1);
    std::uint16_t port = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), port, 16);
    if (problem == std::errc() && end == digits.data() + digits.size()) sockets[words[kInode]] = port;
  }
  return sockets;
}

std::set<std::uint16_t> listening_ports(std::span<const pid_t> pids, const std::string& proc) {
  std::set<std::uint16_t> ports;
  if (pids.empty()) return ports;
  const auto sockets = sockets_around(pids.front(), proc);
  for (const pid_t pid : pids) {
    for_each_descriptor(pid, proc, [&](const std::string& /*number*/, const std::string& target) {
      if (const auto found = sockets.find(target); found != sockets.end()) ports.insert(found->second);
    });
  }
  return ports;
}

std::vector<ListeningProcess> find_listeners(std::span<const pid_t> pids, std::uint16_t port,
                                             const std::string& proc) {
  std::vector<ListeningProcess> listeners;
  if (pids.empty()) return listeners;
  std::map<std::string, std::uint16_t> sockets = sockets_around(pids.front(), proc);
  std::erase_if(sockets, [port](const auto& socket) { return socket.second != port; });
  if (sockets.empty()) return listeners;
  for (const pid_t pid : pids) {
    std::set<std::string> mine;
    std::vector<std::string> epolls;
    for_each_descriptor(pid, proc, [&](const std::string& number, const std::string& target) {
      if (sockets.contains(target)) mine.insert(number);
      if (target == "anon_inode:[eventpoll]") epolls.push_back(number);
    });
    if (mine.empty()) continue;
    bool watches = false;
    for (const std::string& epoll : epolls)
      watches = watches || watches_any(fmt::format("{}/{}/fdinfo/{}", proc, pid, epoll), mine);
    listeners.push_back({pid, watches});
  }
  return listeners;
}

}  // namespace lab
