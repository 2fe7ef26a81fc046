#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "harness/statistics/statistics.hpp"
#include "lab/core/error.hpp"
#include "results/render/page.hpp"

namespace lab {

/// What one diagnosis says, as its document keeps it.
struct KeptDiagnosis {
  std::string saved;  ///< when, UTC
  std::string execution;
  std::optional<int> parallelism;
  std::optional<bool> loop_blocked;
  std::map<int, std::vector<double>> makespans_s;  ///< by burst size
  /// What it named, as people read it, by what stays the same when lines move.
  std::map<std::string, std::string> places;
};

/// From the text of a lab.diagnose/1 document. Error (exit 2): it is none.
Result<KeptDiagnosis> read_kept_diagnosis(const std::string& document);

/// What an edit changed, and how sure that is.
struct DiagnosisChange {
  std::string before;  ///< when that was
  /// Of the makespans of all sizes that both have, each by the median of its size before; none without any.
  std::optional<Shift> shift;
  int at_once = 0;  ///< the largest size of both
  double before_s = 0, now_s = 0;
  std::vector<std::string> gone, still, fresh;  ///< what was named
  std::vector<std::string> says;
};
DiagnosisChange compare_diagnoses(const KeptDiagnosis& before, const KeptDiagnosis& now);

}  // namespace lab
