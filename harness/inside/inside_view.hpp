#pragma once

#include <boost/describe.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/diagnosis/verdict.hpp"
#include "harness/inside/burst_watch.hpp"
#include "harness/inside/kernel_samples.hpp"
#include "harness/inside/probe_lines.hpp"
#include "lab/core/enum_words.hpp"

namespace lab {

/// All that was seen inside a server. What is concluded is a function of it and of the verdict.
struct InsideSeen {
  std::vector<BurstSpan> bursts;
  KernelSamples kernel;
  ProbeLines probes;
  bool probed = false;  ///< it was started with probes
  pid_t pid = 0;        ///< of the first process
  std::string runtime;  ///< its language, as LocalServer has it
  std::string ended;    ///< how, where it did so meanwhile
};

/// What makes requests wait for each other.
enum class LineCause : std::uint8_t {
  blocked_loop,     ///< it keeps the thread of an event loop
  full_pool,        ///< all threads of a pool are in it
  held_lock,        ///< one request at a time is in it
  few_connections,  ///< as many as there are connections, or other things taken from a pool
  interpreter,      ///< threads compute in it, one at a time
  busy_worker       ///< each worker has one thread, and that is in it
};
BOOST_DESCRIBE_ENUM(LineCause, blocked_loop, full_pool, held_lock, few_connections, interpreter, busy_worker)

/// A line of the server's own code, and what is wrong with it.
struct NamedLine {
  LineCause cause = LineCause::blocked_loop;
  CodePlace place;                     ///< without a file where only the system call is known
  std::string call;                    ///< that the kernel saw most while requests waited; may be empty
  std::string source;                  ///< the line itself; empty where it can't be read
  bool returns_it = false;             ///< it is the handler whose result the framework was working on
  std::optional<CodePlace> inside;     ///< the library's function that it was in
  std::vector<CodePlace> called_from;  ///< of the server's own code
  std::optional<CodePlace> waits_at;   ///< where others wait meanwhile
  std::string resource;                ///< `anyio's thread limiter`, `asyncio.Lock`
  double share = 0;                    ///< of the loop's late time, or of the busy threads
  double late_s = 0;                   ///< that time
  double per_request_s = 0;            ///< of it
  bool computes = false;               ///< it does not wait
  int limit = 0, waiting = 0;          ///< of a pool; how many waited at most
};

/// What the kernel saw of a thread, or of several that do the same.
struct CallShare {
  std::string call, about;
  double share = 0;
  bool idle = false;  ///< it waits for events, and is free
};

/// What was seen inside, concluded.
struct InsideView {
  std::int64_t looks = 0;             ///< while bursts were under way
  std::vector<CallShare> loop_calls;  ///< of the threads that wait for events when nothing is asked
  double loop_cpu_s = 0;
  std::int64_t loop_switches = 0;
  std::vector<std::string> says;       ///< by the kernel, sentences
  std::vector<std::string> obstacles;  ///< what could not be read, and what would allow it
  std::vector<NamedLine> lines;        ///< the worst first
  std::vector<ProbedProcess> probes;
  double late_s = 0;  ///< of all loops while bursts were under way
};

/// Pure but for the source lines, which it reads.
InsideView look_inside(const InsideSeen& seen, const Diagnosis& verdict);

/// What the kernel saw, in sentences: for any language; and what it did not show.
void add_kernel_view(const InsideSeen& seen, InsideView& view);

/// Whether a moment is in one of the bursts, which are in the order of time.
bool is_in_burst(const std::vector<BurstSpan>& bursts, Nanos at);

/// Whether a file belongs to the server's own code, not to its language or a library.
bool is_own_code(const std::string& file, const std::vector<std::string>& libraries);

}  // namespace lab
