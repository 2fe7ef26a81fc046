// The parts of an examination (examination.hpp), one file each: bursts, kept connections, pings.
#pragma once

#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "harness/diagnosis/burst_fit.hpp"
#include "harness/diagnosis/examination.hpp"

namespace lab {

/// Requests on kept connections, at most.
constexpr std::int64_t kMostOnKept = 300;
/// What asks for a limit, besides three salvos, at most.
constexpr std::int64_t kMostForLimit = 300;
constexpr std::int64_t kMostPings = 200;

/// `status_503`, `timeout`
std::string name_of_failure(const Reply& reply);

class Examiner {
 public:
  Examiner(Subject& subject, const ExaminationOptions& options)
      : subject_(subject), options_(options), began_(subject.now()), random_(options.seed) {}

  /// One after another. False: one failed.
  bool ask_alone(int times);
  /// Once more, when it has served many: what it is now, and what happens now and then.
  void ask_alone_again();
  void send_bursts();
  void ask_rested();
  void keep_connections();
  void ask_on_kept();
  void ping_beside();
  /// After some were refused; does nothing otherwise.
  void probe_limit();
  void watch();

  Outlook outlook() const;
  Observations take();

 private:
  Nanos spent() const { return subject_.now() - began_; }
  Nanos left() const { return options_.budget - spent(); }
  bool over() const { return left() <= 0 || subject_.interrupted(); }
  /// Whether something that takes so long fits into this share of the budget.
  bool affordable(Nanos span, double share) const;
  Nanos service() const;
  /// The fastest burst of that size so far; `expected` where there was none.
  Nanos makespan(int at_once) const;
  std::vector<int> sizes() const;
  /// How long so many at once should take, by what was seen so far.
  Nanos expected(int at_once) const;

  /// No longer than one request may take, but where `limited` is false.
  std::vector<Reply> fire(const std::vector<Shot>& shots, Nanos patience, bool limited = true);
  Nanos watch_gap() const;
  std::optional<double> runnable_since(std::optional<Nanos> before, Nanos makespan);
  bool send_burst(int at_once);
  std::vector<Shot> staggered(int count, Nanos gap, bool keep) const;
  bool harvest(int count);
  bool send_kept(const std::vector<std::uint32_t>& connections);
  bool waits() const;
  std::optional<bool> pair_waits(std::uint32_t a, std::uint32_t b);
  bool find_groups(int count);
  void ping_beside(int at_once);
  int served_of(const std::vector<Reply>& replies);
  std::optional<double> find_rate();

  Subject& subject_;
  const ExaminationOptions options_;
  Observations seen_;
  Nanos began_ = 0;
  std::mt19937_64 random_;
  std::int64_t kept_ = 0;  // requests on kept connections
  int refused_alone_ = 0;  // the status of a request that was refused though none was under way
  std::set<int> failed_sizes_;
  int parallel_ = 1;  // the most at a time that the bursts so far speak for
};

}  // namespace lab
