#include "harness/listening.hpp"

#include <fmt/format.h>

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

}  // namespace

std::set<std::string> listening_inodes(std::string_view net_tcp, std::uint16_t port) {
  constexpr std::size_t kAddress = 1;
  constexpr std::size_t kState = 3;
  constexpr std::size_t kInode = 9;
  const std::string ending = fmt::format(":{:04X}", port);
  std::set<std::string> inodes;
  for (const std::string& line : split(net_tcp, '\n')) {
    if (line.find(ending) == std::string::npos) continue;
    const std::vector<std::string> words = words_of(line);
    if (words.size() > kInode && words[kAddress].ends_with(ending) && words[kState] == "0A")
      inodes.insert(words[kInode]);
  }
  return inodes;
}

std::vector<Listener> find_listeners(std::span<const pid_t> pids, std::uint16_t port,
                                     const std::string& proc) {
  std::vector<Listener> listeners;
  if (pids.empty()) return listeners;
  std::set<std::string> sockets;
  for (const char* table : {"tcp", "tcp6"}) {
    const std::string text = text_of(fmt::format("{}/{}/net/{}", proc, pids.front(), table));
    for (const std::string& inode : listening_inodes(text, port)) sockets.insert("socket:[" + inode + "]");
  }
  if (sockets.empty()) return listeners;
  for (const pid_t pid : pids) {
    const std::string folder = fmt::format("{}/{}", proc, pid);
    std::set<std::string> mine;
    std::vector<std::string> epolls;
    std::error_code error;
    for (fs::directory_iterator entry(folder + "/fd", error), end; !error && entry != end;
         entry.increment(error)) {
      std::error_code gone;
      const std::string target = fs::read_symlink(entry->path(), gone).string();
      const std::string number = entry->path().filename().string();
      if (sockets.count(target) != 0) mine.insert(number);
      if (target == "anon_inode:[eventpoll]") epolls.push_back(number);
    }
    if (mine.empty()) continue;
    bool watches = false;
    for (const std::string& epoll : epolls)
      watches = watches || watches_any(fs::path(folder) / "fdinfo" / epoll, mine);
    listeners.push_back({pid, watches});
  }
  return listeners;
}

}  // namespace lab
