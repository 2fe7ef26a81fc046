// lab/core holds the values that every room shares: scenarios and their plans, records of requests, events,
// stats, errors, what is said on the wire, and what each process needs of the system. Every room may include
// it; it includes none.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/plan.hpp"
#include "lab/core/stat.hpp"
#include "lab/core/traits.hpp"

namespace lab {

/// How requests arrive.
enum class Arrivals : std::uint8_t {
  burst,      ///< `requests` at once
  closed,     ///< `clients` clients, each sends its next request after its last reply, `requests` in all
  constant,   ///< one `every` so often
  poisson,    ///< exponential gaps with mean `every`
  staggered,  ///< at the listed times `at`
};
BOOST_DESCRIBE_ENUM(Arrivals, burst, closed, constant, poisson, staggered)

/// One after another, whatever the replies do.
constexpr bool is_timed(Arrivals arrivals) {
  return arrivals == Arrivals::constant || arrivals == Arrivals::poisson;
}
/// Does the load end after a time? The others end with their requests.
constexpr bool lasts(Arrivals arrivals) {
  return arrivals == Arrivals::closed || is_timed(arrivals);
}
/// Does the load have a rate of its own?
constexpr bool has_rate(Arrivals arrivals) {
  return is_timed(arrivals) || arrivals == Arrivals::staggered;
}

/// What a client does after its reply: it asks another route again and again.
struct Then {
  std::size_t route = 0;  ///< index into Scenario::routes; `{…}` in its path becomes the kept value
  Nanos every = 0;        ///< from one reply to the next question
  std::string until;      ///< until the reply's `status` is this
  Nanos at_most = 0;      ///< after the first reply; then it gives up
};

/// One stream of requests on one route.
struct Load {
  std::size_t route = 0;  ///< index into Scenario::routes
  Arrivals arrivals = Arrivals::burst;
  std::int64_t requests =
      1;  ///< in all; of constant and poisson derived from `until` where the file says that
  std::int64_t clients = 1;        ///< closed: how many at a time
  Nanos every = 0;                 ///< constant: period; poisson: mean gap
  Nanos from = 0;                  ///< the first one's time, after the start of the load
  std::vector<Nanos> at;           ///< staggered: times after the start of the load
  bool fresh_connections = false;  ///< connect with the request instead of before the load
  bool client_process = false;     ///< each request is a fresh client process's (curl); connections are fresh
  Nanos hang_up = 0;               ///< the client closes its connection so long after sending; 0: never
  std::int64_t body_bytes = 0;     ///< of each request
  Nanos body_over = 0;             ///< the body is sent evenly over that time
  std::string keep{};              ///< a key of the reply whose number is kept in the record
  std::optional<Then> then{};
};

/// A worker is killed (SIGKILL) while the load runs.
struct Kill {
  int worker = 0;  ///< slot
  Nanos at = 0;    ///< after the start of the load
};

/// One load set; every arm runs every case.
struct Case {
  std::string id;
  std::vector<Load> loads;
  std::vector<Kill> kills{};

  /// Those that are planned; what `then` adds is not.
  std::int64_t requests() const {
    std::int64_t sum = 0;
    for (const Load& load : loads) sum += load.requests;
    return sum;
  }
};

/// A figure that the documents give for an arm.
struct Documented {
  Stat stat;
  double value = 0;     ///< seconds, or a plain number for stats without unit
  std::string text;     ///< as they write it: `~1.1s`
  std::string case_id;  ///< empty: every case
};

/// How several workers get their connections.
enum class Accept : std::uint8_t {
  handoff,    ///< the master accepts and passes descriptors to its workers in turn
  one,        ///< a worker takes what it can start now, and closes after the reply
  greedy,     ///< a worker accepts until nothing is left before anything runs, as uvicorn does
  reuseport,  ///< each worker has a queue of its own that the kernel deals to by lot (SO_REUSEPORT)
};
BOOST_DESCRIBE_ENUM(Accept, handoff, one, greedy, reuseport)

/// What the loop asks the kernel with.
enum class Backend : std::uint8_t { epoll, io_uring };
BOOST_DESCRIBE_ENUM(Backend, epoll, io_uring)

/// A task queue of an arm.
struct QueueSettings {
  int workers = 2;             ///< threads that execute its jobs; of each process, or of all where shared
  std::int64_t capacity = 64;  ///< jobs that may wait; one more is answered with 503
  bool shared = false;         ///< one queue of all processes instead of one in each
  bool operator==(const QueueSettings&) const = default;
};

/// One execution model with its settings.
struct Arm {
  std::string id;
  std::string label;          ///< how FastAPI's user would say it
  std::vector<Traits> modes;  ///< one per route of the scenario
  int workers = 1;            ///< processes
  int threads = 40;           ///< members of the pool, or threads of thread-per-request; per worker
  bool gil = false;           ///< whatever computes needs the interpreter lock
  int cores = 0;              ///< 0: as many as the machine has
  Accept accept = Accept::handoff;
  int accept_limit = 1;          ///< of `one`: how many a worker serves at a time; 0: without limit
  bool pool_processes = false;   ///< the pool's members are processes
  int connections = 0;           ///< to the database, per worker; 0: one for each query
  bool shared_counters = false;  ///< `increment` counts in a store that all workers share (SQLite)
  bool cancel = false;           ///< no handler goes on, or begins, for a client that has gone
  Backend backend = Backend::epoll;
  std::map<std::string, QueueSettings> queues{};
  bool predict_only = false;  ///< too long to be measured: only the model runs it
  std::vector<Documented> documented;

  bool uses(Resource resource) const {
    return std::ranges::any_of(modes, [&](const Traits& mode) { return mode.uses(resource); });
  }
  /// `blocking-loop`, or `async-loop + thread-pool` where routes differ.
  std::string mode_name() const;
};

// Who answers an arm's requests.
inline constexpr const char* kNative = "native";      ///< our own server processes
inline constexpr const char* kFastapi = "fastapi";    ///< the exported main.py on real FastAPI
inline constexpr const char* kNode = "node";          ///< the exported server.js
inline constexpr const char* kServer = "server";      ///< any other server, given by --server
inline constexpr const char* kRecorded = "recorded";  ///< FastAPI as it was recorded (results/reference/)
inline constexpr const char* kModel = "model";        ///< nobody: virtual time

/// One engine, and with what it runs where there is a choice.
struct EngineId {
  std::string kind = kNative;  ///< one of those above
  std::string runtime{};       ///< `uvloop`, `gunicorn`; empty: the usual one

  bool is(const char* other) const { return kind == other; }
  bool operator==(const EngineId&) const = default;
};

/// A stat of the records, held against the model or a number.
struct Check {
  Stat stat;
  std::string text;                                 ///< as written
  std::string tolerance{};                          ///< `within 3%`, as written; empty: not of the model
  std::string arm;                                  ///< empty: every arm
  std::string case_id;                              ///< empty: every case
  std::optional<double> within_relative;            ///< of the model's value: 0.03
  std::optional<Nanos> within_absolute;             ///< of the model's value
  std::optional<double> equals, at_most, at_least;  ///< seconds, or a plain number
};

/// A question for the class.
struct Ask {
  struct Wrong {
    double value = 0;
    std::string say;
  };
  std::string text;
  std::string answer_arm;
  Stat answer;
  std::vector<Wrong> wrong;
  std::string answer_case;  ///< empty: the first case
};

/// The sentence that answers the scenario's question, with figures of the run in it.
struct Conclusion {
  struct Figure {
    std::string arm;
    std::string case_id;
    Stat stat;
  };
  std::vector<std::string> words;  ///< around the figures, so one more than those; empty: no such sentence
  std::vector<Figure> figures;
};

struct Explain {
  Conclusion answer;
  std::string text;  ///< why, in a few plain sentences
  std::string log;   ///< about the documents' figures
  std::string note;
  std::string next;         ///< a scenario's name
  std::string next_reason;  ///< the question that it answers
};

/// Whether anything that the arm serves goes to a pool: its modes, or a step or dependency of a route.
bool needs_pool(const std::vector<Route>& routes, const Arm& arm);

/// One experiment. Made by the loader of scenarios/, never by hand outside tests.
struct Scenario {
  std::string name;
  std::string file;    ///< where it was read from
  std::string source;  ///< its TOML text, kept with every run
  std::string question;
  std::vector<std::string> sources;
  std::string group;
  int order = 1000;  ///< place in `lab list`
  Nanos budget = 15 * kSecond;
  std::uint16_t port = 0;  ///< where its program listens by itself; 0: where servers usually do
  std::map<std::string, Nanos> params;
  std::string trace;       ///< `cycle`: the loop step by step in words; `path`: a span for each hop
  std::vector<Stat> show;  ///< what the table's rows are; empty: what the checks speak of
  std::vector<Route> routes;
  std::vector<Case> cases;
  std::vector<Arm> arms;
  std::vector<Check> checks;
  std::vector<Ask> asks;
  Explain explain;
};

/// Whether a route of the scenario holds a step of which `says` is true, dependencies included.
template <class Says>
bool any_step(const Scenario& scenario, const Says& says) {
  return std::ranges::any_of(scenario.routes, [&](const Route& route) { return any_step(route, says); });
}

/// Where whole handlers go in mode `task-queue` when a plan names no queue.
inline constexpr std::string_view kDefaultQueue = "jobs";
/// There a handler that says nothing of queues is a job as a whole.
bool is_job(const Traits& mode, const Plan& plan);

/// What a route's handler does in that model: where whole handlers are jobs, a plan that names no queue is
/// one job of that queue.
Plan executed_plan(const Route& route, const Traits& mode);

}  // namespace lab
