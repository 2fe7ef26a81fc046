// A server's execution model found from outside: an examination sends it bursts, pairs and cheap requests,
// and the verdict is a pure function of what it saw. Only results/report and `lab diagnose` use it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "harness/diagnosis/observation.hpp"
#include "lab/core/enum_words.hpp"

namespace lab {

enum class Execution : std::uint8_t { unknown, serial, pool, workers, concurrent };
BOOST_DESCRIBE_ENUM(Execution, unknown, serial, pool, workers, concurrent)
enum class BoundBy : std::uint8_t { unknown, waiting, cpu };
BOOST_DESCRIBE_ENUM(BoundBy, unknown, waiting, cpu)

/// What a server lets in.
struct Limit {
  int in_flight = 0;         ///< so many at once, and the next one is refused; 0: it is a rate
  double per_second = 0;     ///< requests; 0: not known, or not a rate
  int status = 0;            ///< of those that are refused; 0: they are delayed
  bool connections = false;  ///< what counts is how many are open, and all of them are refused
};

// What is not how a server executes, yet makes some requests slow: now and then, at its start, on connections
// that are used again.

/// Some requests take longer and hold up all others: equal bursts take different times, the more the larger.
struct Stalls {
  double share = 0;   ///< of the requests that do
  double took_s = 0;  ///< each of them, alone
};
std::optional<Stalls> find_stalls(const Observations& seen);

/// Some requests take longer and hold up nobody: as where a cache is filled, or something is tried again.
struct Stragglers {
  double share = 0;   ///< of the requests
  double took_s = 0;  ///< each of them
};
std::optional<Stragglers> find_stragglers(const Observations& seen);
/// The same without what they took longer.
Observations without(const Stragglers& stragglers, Observations seen);

/// The first request took so much longer than later ones.
struct WarmUp {
  double first_s = 0, later_s = 0;
};
std::optional<WarmUp> find_warm_up(const Observations& seen);

/// How much later replies come on a connection that was used before, where that is Nagle's algorithm waiting
/// for an acknowledgement: they come in time once each part is acknowledged at once.
std::optional<double> find_kept_lag(const Observations& seen);

/// A time in which nothing was answered, though it usually is.
struct Pause {
  Nanos at = 0, length = 0;
};
/// In the order of time.
std::vector<Pause> find_pauses(const Observations& seen);

/// How a server executes, as far as what was seen shows it.
struct Diagnosis {
  Execution execution = Execution::unknown;
  BoundBy bound_by = BoundBy::unknown;
  std::optional<bool> loop_blocked;  ///< none without a cheap request beside it
  std::optional<bool> balanced;      ///< of workers, or several pools: whether they got equally many
  int parallelism = 0;  ///< requests at a time; of `concurrent` the most that were tried; 0: unknown
  int pools = 0;        ///< of how many pools it is the sum, at least; 0: not known
  bool shared = false;  ///< those at work slow each other down: cores or an interpreter lock
  bool varies = false;  ///< each request takes another time: a number of them at a time is about that
  double confidence = 0;
  int bursts = 0, fitting = 0;
  double service_s = 0;   ///< of one request; of a pool behind another stage, in the pool
  double ahead_s = 0;     ///< in that other stage, where all are together
  double overhead_s = 0;  ///< what each further one adds although they run together
  /// The same, where it is what the verdict is about: a part of each request runs one at a time. Otherwise 0.
  double serial_part_s = 0;
  double residual_s = 0;  ///< of the makespans, median
  std::optional<Limit> limit;
  std::optional<Stalls> stalls;
  std::optional<Stragglers> stragglers;
  std::string reason;  ///< why it is unknown
  std::vector<std::string> unsure;
};

/// Pure: the same observations give the same verdict.
Diagnosis conclude(const Observations& seen);

/// What the verdict leaves open, in words. `explained`: its cause was seen inside, so that nothing else looks
/// the same.
std::vector<std::string> caveats(const Observations& seen, const Diagnosis& verdict, bool explained = false);

/// Whether none of its threads did most of the computing while several requests were under way: a loop does.
bool computes_in_turns(const Observations& seen);

/// Whether the cheap request suffers beside the slow one as it does behind a blocked loop.
std::optional<bool> is_loop_blocked(const Observations& seen, const Diagnosis& verdict);

/// The longest that a ping took beside so many slow ones; none where none was sent.
std::optional<double> worst_ping_seconds(const Observations& seen, int at_once);
/// The median of those without a slow one; 0 where there was none.
double ping_alone_seconds(const Observations& seen);

/// What the fitted model says of a burst's makespan, in seconds.
double expected_makespan(const Diagnosis& verdict, int at_once);

/// The least time that so many at once can take if the verdict is true, in seconds.
double floor_seconds(const Diagnosis& verdict, int at_once);

/// The bursts that were faster than that, or had replies before their turn; empty where none was.
std::string too_fast(const Observations& seen, const Diagnosis& verdict);

/// What was measured against a verdict: a burst that was faster than its floor, replies before their turn,
/// or, of one that says how long bursts take, a size of which even the fastest one took much longer. Empty
/// where nothing is. A busy machine only ever makes bursts slower.
std::string contradiction(const Observations& seen, const Diagnosis& verdict);

}  // namespace lab
