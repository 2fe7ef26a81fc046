#pragma once

#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "harness/diagnosis/observation.hpp"
#include "harness/statistics/statistics.hpp"

namespace lab {

/// A server that works on `parallelism` requests at a time, first come, first served.
struct PoolFit {
  int parallelism = 1;
  double service_s = 0;   ///< of one request
  double overhead_s = 0;  ///< what each further one waits for the part that runs one at a time
  double ahead_s = 0;     ///< of each request besides, in which it is in nobody's way
  double error = 1;       ///< mean deviation of the replies' times, as a share of them; 0.02 is good
  bool late = false;      ///< replies may be written later than they are made, up to a burst's last one
};

/// When the i-th reply of n at once is due, i = 1 … n, in units of the service time: request i starts when
/// its turn has come (`overhead` apart) and one of the k before it is done. `ahead` is spent together.
std::vector<double> pool_replies(int at_once, int parallelism, double overhead, double ahead = 0);

/// The fit of every parallelism from 1 to the largest burst, in this order; the last one stands for that many
/// and more. Repetitions of a size are joined rank by rank by their median, so that one bad burst spoils
/// nothing. Empty without bursts.
std::vector<PoolFit> fit_pools(const Observations& seen);

/// The best pool of more than one and fewer than the largest burst behind another stage, in which all of them
/// are together for a part of their time.
PoolFit fit_staged(const Observations& seen);

// Of requests that take another time each time.

/// Whether a request alone takes another time each time, and not because it computes beside others.
bool varies(const Observations& seen);
/// When the i-th reply of n at once is due on average, in seconds, where each takes a time that one alone
/// took.
std::vector<double> varied_replies(const Observations& seen, int at_once, const PoolFit& fit);
double varied_deviation(const Observations& seen, const Burst& burst, const PoolFit& fit);
/// As `fit_pools`, and one more: all of them together, but a last part of each one at a time. Their service
/// time is the mean. Must not be without bursts.
std::vector<PoolFit> fit_varied(const Observations& seen);
/// Whether the replies of large bursts keep that distance, as those of what runs one at a time do.
bool evenly_spaced(const Observations& seen, double apart_s);

/// One at a time, whenever the replies are written: an event loop may write them all at its end. The last one
/// of n comes after n service times, and none comes before its turn.
PoolFit fit_serial(const Observations& seen);
double serial_deviation(const Burst& burst, double service_s);

/// Whether the bursts larger than that show the pause between the first of its rounds and the second one.
bool has_rounds(const Observations& seen, int parallelism, double service_s);

/// How many replies come before the first pause of that kind: all where there is none, 0 where they are
/// spread so that none can be seen.
int first_round(const Burst& burst, double service_s);
/// The first rounds of the bursts in which some waited.
struct FirstRounds {
  int reported = 0;   ///< bursts in which one can be seen
  int usual = 0;      ///< what at least half of them agree on; 0: they do not
  bool sure = false;  ///< most of all bursts that are larger show that pause, so that not all ran together
};
FirstRounds first_rounds(const Observations& seen, double service_s);

/// How much all bursts together say, in bursts of one request: a size counts by the root of it.
double weight_of_bursts(const Observations& seen);

/// Mean deviation of one burst's replies from what the fit says, each at most 0.5.
double deviation(const Burst& burst, const PoolFit& fit);

/// Requests that share the cores finish together, not one after another.
struct SharingFit {
  bool shared = false;  ///< several at a time
  double parallelism =
      1;                 ///< how many of them; of their replies: how many times faster than one after another
  bool counted = false;  ///< from threads, not from replies
};
/// From the number of threads that wanted a core where that is known, otherwise from the replies.
SharingFit fit_sharing(const Observations& seen, double alone_s);

std::vector<double> in_seconds(const std::vector<Nanos>& spans);
/// The bursts of which all were answered in time.
std::vector<std::reference_wrapper<const Burst>> whole_bursts(const Observations& seen);
/// How long they took, in seconds.
std::map<int, std::vector<double>> makespans_by_size(const Observations& seen);

/// The median of what must not be empty.
double median_seconds(const std::vector<Nanos>& spans);
/// The latency alone in seconds, its lower quartile: a busy machine only ever adds. Must not be without any.
double alone_seconds(const Observations& seen);
/// Its upper quartile: a burst of requests that take different times takes as long as its slowest.
double slow_alone_seconds(const Observations& seen);

// Of connections that were kept.

/// A request whose reply took longer than that much of one alone had to wait for another one.
constexpr double kWaited = 1.5;

/// Whether a request alone hardly has a core, however long it waits for one where others compute.
bool waits_for_cores(const Observations& seen);

/// Whether a request alone computes for the most of its time; false where that is not known.
bool computes_alone(const Observations& seen);

/// Whether one of these requests had to wait for another one: it took longer than one alone, or, where they
/// compute, fewer threads wanted a core than there were requests, whatever else the machine had to do.
bool has_waited(const KeptBurst& burst, const Observations& seen);

/// How likely what was seen of pairs on kept connections is, as natural logarithms.
struct PairLikelihood {
  double serial = 0;   ///< each pair waits, always
  double pool = 0;     ///< none ever does
  double workers = 0;  ///< each pair always, or never: its connections are with one worker, or with two
  int pairs = 0, waiting = 0;  ///< distinct pairs, and those that mostly waited
};
PairLikelihood weigh_pairs(const Observations& seen);

/// How many workers the kept connections are with: those that wait for each other are with the same one.
int count_workers(const Observations& seen);

/// Mean deviation of a burst's replies from whole multiples of the service time, which is what workers give,
/// however their connections were dealt: 0 where they lie on them, 0.5 where they lie anywhere.
double grid_deviation(const Burst& burst, double service_s);

/// Whether no worker ever had more to do than the fairest dealing gives it; none without a burst that shows
/// it.
std::optional<bool> dealt_evenly(const Observations& seen, int workers, double service_s);

}  // namespace lab
