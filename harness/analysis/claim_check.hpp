#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/statistics/statistics.hpp"
#include "lab/core/claims.hpp"
#include "lab/core/clock.hpp"

namespace lab {

/// What one stat of one arm came to in each repetition, or why there is nothing.
struct Reading {
  std::vector<double> values{};
  std::string absent{};     ///< the reason why there is nothing, or empty
  std::string disturbed{};  ///< why the values say little, whatever they say, or empty
  bool recorded = false;    ///< FastAPI as it was recorded

  bool usable() const { return absent.empty() && disturbed.empty() && !values.empty(); }
};

/// What was run, for conditions to be held against. Parameters are those of the run: scaled.
class Readings {
 public:
  struct Setting {
    double scale = 1;
    std::map<std::string, Nanos> params;
  };

  void set(const Measure& measure, Reading reading) { readings_[key(measure)] = std::move(reading); }
  void set(const std::string& scenario, const std::string& engine, Setting setting) {
    settings_[{scenario, engine}] = std::move(setting);
  }
  /// Puts what another run gave to what is there already, or in its place where that is of no use.
  void add(const Measure& measure, const Reading& reading);
  /// Absent where it was never set.
  Reading get(const Measure& measure) const;
  Setting setting(const Measure& measure) const;

 private:
  static std::string key(const Measure& measure);

  std::map<std::string, Reading> readings_;
  std::map<std::pair<std::string, std::string>, Setting> settings_;
};

enum class Truth : std::uint8_t { holds, fails, undecided };

struct ConditionCheck {
  const Condition* condition = nullptr;
  Truth truth = Truth::undecided;
  Reading left;
  /// What was measured, and what it was held against: the median, and the least and the most that the
  /// repetitions leave possible.
  std::optional<Estimate> measured, limit;
  double scale = 1;
  bool recorded = false;  ///< one side is FastAPI as it was recorded
  std::string reason;     ///< why it is undecided
};

enum class ClaimFinding : std::uint8_t { verified, refuted, qualified, inconclusive };
BOOST_DESCRIBE_ENUM(ClaimFinding, verified, refuted, qualified, inconclusive)

struct ClaimCheck {
  const Claim* claim = nullptr;
  ClaimFinding finding = ClaimFinding::inconclusive;
  std::vector<ConditionCheck> checks;  ///< in the order of Claim::conditions

  bool as_recorded() const { return to_string(finding) == to_string(claim->outcome); }
  bool undecided() const { return finding == ClaimFinding::inconclusive; }
  /// It hangs on what was recorded on another machine, so nothing was verified here.
  bool by_recording() const;
  /// A spread that crosses a limit, what others disturbed, or an outcome that is not on record: another run
  /// may decide it.
  bool worth_repeating() const;
};

/// A condition holds, or fails, only where it does so at both ends of what the repetitions leave possible:
/// their minimum and maximum below six, the interval of the median from six on (measurement.md). Fewer than
/// three decide nothing, and neither does a reading that others disturbed.
ConditionCheck check_condition(const Condition& condition, const Readings& readings);

/// Verified: all tests hold and there are no exceptions that fail. Refuted: a test fails. Qualified: all
/// tests hold and every exception fails. Inconclusive: a condition that it hangs on is undecided.
ClaimCheck check_claim(const Claim& claim, const Readings& readings);

}  // namespace lab
