#include "harness/diagnosis/local_server.hpp"

#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>
#include <string>
#include <system_error>

#include "harness/trace/server_use.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

namespace fs = std::filesystem;

/// Of the threads that it has now; 0 where the kernel does not say. Notes how long each had a core.
Nanos runnable_time_of(pid_t pid, std::map<pid_t, Nanos>& ran_by_thread) {
  Nanos sum = 0;
  for (const fs::path& task : entries_of(fmt::format("/proc/{}/task", pid))) {
    std::ifstream file(task / "schedstat");
    Nanos ran = 0, waited = 0;
    if (!(file >> ran >> waited)) continue;
    sum += ran + waited;
    ran_by_thread[number_in<pid_t>(task.filename().string()).value_or(0)] = ran;
  }
  return sum;
}

/// The four words of an address as IPv6 writes it, IPv4 mapped into it (RFC 4291, 2.5.5.2).
using Words = std::array<std::uint32_t, 4>;

Words words_of(const sockaddr* address) {
  Words words{0, 0, htonl(0xFFFF), 0};
  if (address->sa_family == AF_INET)
    words[3] = reinterpret_cast<const sockaddr_in*>(address)->sin_addr.s_addr;
  if (address->sa_family == AF_INET6)
    std::memcpy(words.data(), &reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr, sizeof words);
  return words;
}

bool is_mapped(const Words& words) {
  return words[0] == 0 && words[1] == 0 && words[2] == htonl(0xFFFF);
}

bool is_of_this_machine(const Words& words) {
  const bool none = words[3] == 0 && (is_mapped(words) || words == Words{});  // connects to this machine
  const bool loopback = is_mapped(words) ? ntohl(words[3]) >> 24 == 127 : words == Words{0, 0, 0, htonl(1)};
  if (none || loopback) return true;
  ifaddrs* all = nullptr;
  if (getifaddrs(&all) != 0) return false;
  bool found = false;
  for (const ifaddrs* each = all; each != nullptr; each = each->ifa_next)
    found = found || (each->ifa_addr != nullptr && words_of(each->ifa_addr) == words);
  freeifaddrs(all);
  return found;
}

/// As /proc/net/tcp{,6} write an address: words in the machine's byte order.
std::string digits_of(const Words& words) {
  return fmt::format("{:08X}{:08X}{:08X}{:08X}", words[0], words[1], words[2], words[3]);
}

/// What a socket that takes connections to the address may be bound to.
std::set<std::string> bindings_for(const Words& words) {
  std::set<std::string> bindings{digits_of(words), digits_of(Words{})};
  if (is_mapped(words)) bindings.insert({fmt::format("{:08X}", words[3]), "00000000"});
  if (words == Words{}) bindings.insert(digits_of({0, 0, 0, htonl(1)}));
  if (is_mapped(words) && words[3] == 0) bindings.insert(fmt::format("{:08X}", htonl(INADDR_LOOPBACK)));
  return bindings;
}

/// Those of this machine that take connections to the address.
std::set<std::string> sockets_at(const Words& words, std::uint16_t port) {
  const std::set<std::string> bindings = bindings_for(words);
  std::set<std::string> sockets;
  for (const ListeningSocket& socket : sockets_around(getpid())) {
    if (socket.port == port && bindings.contains(socket.address)) sockets.insert(socket.name);
  }
  return sockets;
}

/// Unix sockets of this path: the last two of eight columns are inode and path (/proc/net/unix, proc(5)).
std::set<std::string> sockets_at(const std::string& path) {
  constexpr std::size_t kInode = 6, kPath = 7;
  std::set<std::string> sockets;
  std::ifstream table("/proc/net/unix");
  for (std::string line; std::getline(table, line);) {
    std::istringstream text(line);
    const std::vector<std::string> columns{std::istream_iterator<std::string>(text), {}};
    if (columns.size() > kPath && columns[kPath] == path)
      sockets.insert(fmt::format("socket:[{}]", columns[kInode]));
  }
  return sockets;
}

/// By its program's file, or by its first word, which everybody may read.
std::string runtime_of(pid_t pid) {
  std::error_code unreadable;
  std::string program = fs::read_symlink(fmt::format("/proc/{}/exe", pid), unreadable).string();
  if (unreadable) std::getline(std::ifstream(fmt::format("/proc/{}/cmdline", pid)), program, '\0');
  const std::string name = fs::path(program).filename().string();
  const std::string language = name.substr(0, name.find_first_of("0123456789.-"));
  return language == "pypy" ? "python" : language;
}

}  // namespace

std::optional<LocalServer> LocalServer::find(const Address& address, std::uint16_t port) {
  const Words words = words_of(address.get());
  if (!address.is_unix() && !is_of_this_machine(words)) return std::nullopt;
  const std::set<std::string> sockets =
      address.is_unix() ? sockets_at(address.text()) : sockets_at(words, port);
  std::vector<pid_t> listeners;
  for (const fs::path& process : entries_of("/proc")) {
    const auto pid = number_in<pid_t>(process.filename().string());
    if (!pid) continue;
    const auto descriptors = descriptors_of(*pid);
    if (std::ranges::any_of(descriptors, [&](const auto& each) { return sockets.contains(each.second); }))
      listeners.push_back(*pid);
  }
  if (listeners.empty()) return std::nullopt;
  std::ranges::sort(listeners);
  return LocalServer(std::move(listeners));
}

LocalServer LocalServer::of(pid_t pid) {
  return LocalServer({pid});
}

LocalServer::LocalServer(std::vector<pid_t> listeners)
    : listeners_(std::move(listeners)), runtime_(runtime_of(pid())) {}

CpuTime LocalServer::cpu_time() {
  std::set<pid_t> all(listeners_.begin(), listeners_.end());
  for (const pid_t pid : listeners_) {
    for (const pid_t below : descendants_of(pid)) all.insert(below);
  }
  Nanos runnable = 0, used = 0, busiest = 0;
  std::map<pid_t, Nanos> ran;
  for (const pid_t pid : all) {
    runnable += runnable_time_of(pid, ran);
    used += cpu_time_of(pid);
  }
  for (const auto& [thread, time] : ran) busiest = std::max(busiest, time - ran_[thread]);
  const Nanos used_since = std::max<Nanos>(0, used - used_);
  total_.used += used_since;
  total_.runnable += std::max(runnable - runnable_, used_since);
  runnable_ = runnable;
  used_ = used;
  total_.busiest += busiest;
  ran_ = std::move(ran);
  return total_;
}

}  // namespace lab
