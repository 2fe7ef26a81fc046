#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/clock.hpp"

namespace lab {

/// A place in the server's code.
struct CodePlace {
  std::string file;  ///< of a compiled program that says no more its object file
  int line = 0;      ///< 0: not known
  std::string function;
  std::uint64_t offset = 0;  ///< in the object file; 0: it is a source file

  auto operator<=>(const CodePlace&) const = default;
};

/// The innermost place first.
using CodeStack = std::vector<CodePlace>;

/// A process with a probe of its language in it.
struct ProbedProcess {
  pid_t pid = 0;
  std::string language, version;
  std::string loop;  ///< `asyncio`, `uvloop`, `libuv`, `asio`; empty: none ran
  pid_t loop_thread = 0;
  std::string folder;                  ///< that it ran in
  std::vector<std::string> libraries;  ///< folders whose files are not the user's
};

/// The loop of a thread had not come round for that long.
struct LateLoop {
  pid_t pid = 0;
  Nanos at = 0, late = 0;
  CodeStack stack;
  std::optional<CodePlace> handler;  ///< the function behind the route, where it is not on the stack
};

/// All of something limited are taken, and somebody waits.
struct FullPool {
  pid_t pid = 0;
  Nanos at = 0;
  std::string name;
  int limit = 0, waiting = 0;
  std::vector<CodeStack> holders;
};

/// Somebody waits for a lock, or for one of a few.
struct HeldLock {
  pid_t pid = 0;
  Nanos at = 0;
  std::string name;
  int waiting = 0;
  CodeStack held_by;  ///< empty: not known
  CodeStack waiter;   ///< one of those that wait
};

/// So many threads were at the same place.
struct ThreadGroup {
  std::vector<pid_t> threads;
  int count = 1;
  CodeStack stack;
};

/// What the threads were in that did something.
struct BusyThreads {
  pid_t pid = 0;
  Nanos at = 0;
  std::vector<ThreadGroup> groups;
};

/// All that probes wrote.
struct ProbeLines {
  std::vector<ProbedProcess> processes;
  std::vector<LateLoop> late;
  std::vector<FullPool> pools;
  std::vector<HeldLock> locks;
  std::vector<BusyThreads> threads;
  std::vector<std::string> errors;
  int damaged = 0;  ///< lines that are none of these: a process ended in the middle of one
};

/// Adds what one process wrote. Everything in it is checked: it comes from a server that is not ours.
void add_probe_lines(std::string_view text, pid_t pid, ProbeLines& lines);

/// All files of a folder of probes (`PID.jsonl`), with symbols.
ProbeLines read_probe_lines(const std::filesystem::path& folder);

/// A probe of a compiled program knows only which address of which object file a thread was at. This asks
/// addr2line (binutils) for file, line and function of each, with the functions that were inlined there.
/// What it does not know stays as it is, the object file and line 0, and `errors` says why.
void resolve_symbols(ProbeLines& lines);

/// What `addr2line -Caife` writes: the places at each address, the innermost first; those that it does not
/// know are left out.
std::map<std::uint64_t, CodeStack> places_in(std::string_view output);

/// Whether an ELF file has its table of symbols. Where it was stripped, only those that are exported have
/// names, and an address is given the one before it.
bool has_symbols(const std::string& object);

/// Whether an object or source file came with the system: the C library, or headers of Boost.
bool is_of_system(std::string_view file);

}  // namespace lab
