#include <fmt/format.h>
#include <link.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "harness/external/supervisor.hpp"
#include "harness/inside/probe_lines.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr Nanos kSymbolPatience = 10 * kSecond;
/// For each call: what a program writes is kept up to 64 KB, and Asio's names are long.
constexpr std::size_t kAddresses = 16;
constexpr std::size_t kMaxAddresses = 160;  // addresses of one object file
constexpr std::size_t kLongestName = 120;

using Places = std::map<std::uint64_t, CodeStack>;

/// `(anonymous namespace)::Session::read` of `(anonymous namespace)::Session::read(int, char)`.
std::string without_parameters(const std::string& function) {
  if (!function.ends_with(')')) return function;
  int open = 0;
  for (std::size_t at = function.size(); at-- > 0;) {
    open += function[at] == ')' ? 1 : function[at] == '(' ? -1 : 0;
    if (open == 0) return at == 0 ? function : function.substr(0, at);
  }
  return function;
}

/// `problem`: why none is known.
Places places_at(const std::string& object, const std::vector<std::uint64_t>& addresses,
                 std::string& problem) {
  Places known;
  for (std::size_t from = 0; from < std::min(addresses.size(), kMaxAddresses); from += kAddresses) {
    SupervisedProgram program{{"addr2line", "-Caife", object}, "", {}};
    for (std::size_t i = from; i < std::min(addresses.size(), from + kAddresses); ++i)
      program.arguments.push_back(fmt::format("{:#x}", addresses[i]));
    const auto ended = run_to_end(program, kSymbolPatience);
    if (!ended) {
      problem = fmt::format("no line of {} is known: {}", object, ended.error().message);
      break;
    }
    known.merge(places_in(ended->output()));
  }
  if (has_symbols(object)) return known;
  for (auto& [address, stack] : known)
    std::erase_if(stack, [](const CodePlace& place) { return place.file.empty(); });
  if (std::ranges::all_of(known, [](const auto& each) { return each.second.empty(); }) && problem.empty())
    problem = object + " is stripped, so no function of it has a name; build it with -g and without -s";
  return known;
}

}  // namespace

bool has_symbols(const std::string& object) {
  std::ifstream file(object, std::ios::binary);
  const auto read = [&](auto& part) { return !!file.read(reinterpret_cast<char*>(&part), sizeof part); };
  ElfW(Ehdr) header{};
  if (!read(header) || std::string_view(reinterpret_cast<const char*>(header.e_ident), SELFMAG) != ELFMAG)
    return false;
  for (unsigned i = 0; i < header.e_shnum; ++i) {
    ElfW(Shdr) section{};
    file.seekg(static_cast<std::streamoff>(header.e_shoff + std::uint64_t{i} * header.e_shentsize));
    if (!read(section)) return false;
    if (section.sh_type == SHT_SYMTAB) return true;
  }
  return false;
}

bool is_of_system(std::string_view file) {
  return std::ranges::any_of(std::array{"/lib/", "/lib64/", "/usr/lib/", "/usr/include/"},
                             [&](const char* folder) { return file.starts_with(folder); });
}

std::map<std::uint64_t, CodeStack> places_in(std::string_view output) {
  Places known;
  CodeStack* stack = nullptr;
  std::string function;
  for (const std::string& line : split(std::string(output), '\n')) {
    if (line.starts_with("0x")) {
      stack = &known[std::strtoull(line.c_str(), nullptr, 16)];
      function.clear();
    } else if (stack == nullptr || line.empty()) {
      continue;
    } else if (function.empty()) {
      function = line;
    } else {
      const std::size_t colon = line.rfind(':');
      std::string file = line.substr(0, colon);
      if (file == "??") file.clear();
      const int number = file.empty() || colon == std::string::npos ? 0 : std::atoi(line.c_str() + colon + 1);
      if (function == "??") function.clear();
      if (!file.empty() || !function.empty())
        stack->push_back({std::move(file), number, without_parameters(function).substr(0, kLongestName)});
      function.clear();
    }
  }
  return known;
}

void resolve_symbols(ProbeLines& lines) {
  std::map<std::string, std::map<std::uint64_t, std::size_t>> wanted;  // how often
  for (const LateLoop& late : lines.late) {
    for (const CodePlace& place : late.stack) {
      if (place.offset != 0 && !is_of_system(place.file)) ++wanted[place.file][place.offset];
    }
  }
  for (const auto& [object, addresses] : wanted) {
    std::vector<std::uint64_t> often;
    for (const auto& [address, count] : addresses) often.push_back(address);
    std::ranges::sort(often, std::greater{},
                      [&times = addresses](std::uint64_t address) { return times.at(address); });
    std::string problem;
    Places known = places_at(object, often, problem);
    if (!problem.empty()) lines.errors.push_back(std::move(problem));
    for (LateLoop& late : lines.late) {
      CodeStack stack;
      for (CodePlace& place : late.stack) {
        const auto found = place.file == object ? known.find(place.offset) : known.end();
        if (found == known.end() || found->second.empty()) {
          stack.push_back(std::move(place));
          continue;
        }
        for (const CodePlace& each : found->second) {
          stack.push_back(each);
          if (each.file.empty()) stack.back().file = object;
        }
      }
      late.stack = std::move(stack);
    }
  }
}

}  // namespace lab
