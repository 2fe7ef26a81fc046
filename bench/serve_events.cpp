// A server as `lab run` starts it: with its events on, which this process reads and forgets, as the harness
// would read and keep them. For bench/throughput.py.
//
//   serve_events MODE ACCEPT WORKERS READER-CORE
//
// serves GET /nothing, a scenario's route without steps. Prints `listening on http://127.0.0.1:PORT
// master=PID`; on TERM, how many events there were and how many were dropped. This process moves to
// READER-CORE once the server runs.
#include <fmt/format.h>
#include <sched.h>
#include <sys/prctl.h>

#include <csignal>
#include <cstdio>

#include "lab/core/event_ring.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/supervisor/server.hpp"

namespace {

constexpr std::size_t kRing = 1 << 18;
constexpr lab::Nanos kReadEvery = 5 * lab::kMillisecond;

volatile std::sig_atomic_t asked_to_stop = 0;

lab::Accept accept_named(const std::string& name) {
  for (const lab::Accept accept :
       {lab::Accept::handoff, lab::Accept::one, lab::Accept::greedy, lab::Accept::reuseport}) {
    if (lab::to_string(accept) == name) return accept;
  }
  throw lab::Failure(lab::usage_error("unknown accept policy '{}'", name));
}

int serve(const std::string& mode_name, const std::string& accept, int workers, int reader_core) {
  const lab::Mode* const mode = lab::find_mode(mode_name);
  if (mode == nullptr) throw lab::Failure(lab::usage_error("unknown execution model '{}'", mode_name));
  lab::ServerSetup setup;
  setup.routes = {{.name = "nothing", .method = "GET", .path = "/nothing"}};
  setup.arm.id = mode_name;
  setup.arm.modes = {mode->traits};
  setup.arm.accept = accept_named(accept);
  setup.arm.accept_limit = 0;
  setup.arm.workers = workers;
  setup.arm.threads = 64;
  lab::EventRings rings = lab::EventRings::create(workers, kRing).value();
  lab::Server server = lab::Server::start(setup, &rings).value();
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(static_cast<std::size_t>(reader_core), &cores);
  sched_setaffinity(0, sizeof cores, &cores);
  fmt::print("listening on http://127.0.0.1:{} master={}\n", server.port(), server.master());
  std::fflush(stdout);
  std::uint64_t count = 0;
  lab::Events events;
  while (asked_to_stop == 0) {
    events.clear();
    rings.drain(events);
    count += events.size();
    lab::sleep_until(lab::monotonic_now() + kReadEvery);
  }
  server.stop(5 * lab::kSecond);
  fmt::print("events {} dropped {}\n", count, rings.dropped());
  return 0;
}

}  // namespace

int main(int count, char** words) {
  std::signal(SIGTERM, [](int) { asked_to_stop = 1; });
  prctl(PR_SET_PDEATHSIG, SIGTERM);
  try {
    if (count != 5) throw lab::Failure(lab::usage_error("usage: serve_events MODE ACCEPT WORKERS CORE"));
    return serve(words[1], words[2], std::stoi(words[3]), std::stoi(words[4]));
  } catch (const lab::Failure& failure) {
    fmt::print(stderr, "serve_events: {}\n", failure.what());
    return 2;
  }
}
