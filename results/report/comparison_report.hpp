#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "harness/statistics/comparison.hpp"
#include "results/report/export.hpp"
#include "results/report/report.hpp"

namespace lab {

enum class CompareVerdict : std::uint8_t { faster, slower, more, less, none_seen, inconclusive };

/// `no difference seen`
std::string_view to_string(CompareVerdict verdict);

/// One stat of one arm and case in A and in B.
struct ComparedRow {
  std::string name;  ///< of the arm, or of both: `async-loop`, `async-loop on fastapi`
  std::string case_id;
  Stat stat;
  Estimate a, b;
  Shift shift;            ///< B - A
  double p_adjusted = 1;  ///< its p by Holm over all rows
  CompareVerdict verdict = CompareVerdict::none_seen;
  std::string reason;  ///< why it is inconclusive, or empty
};

/// What was not the same in A and B.
struct DifferingRow {
  std::string key, a, b;
};

/// What `lab compare` tells, as plain values; made by lab/report/compare.cpp.
struct ComparisonReport {
  struct Side {
    std::string path, started_utc, noise;
    std::string arm;  ///< where two arms are compared
  };
  std::string scenario;
  Side a, b;
  std::vector<ComparedRow> rows;
  std::vector<DifferingRow> differing;
  std::vector<std::string> only_a, only_b;  ///< arms that the other one lacks
  std::vector<std::string> warnings;
  double tolerance = 0;  ///< relative; what is less counts as no difference

  bool slower() const;
  bool inconclusive() const;
};

std::string comparison_text(const ComparisonReport& report, const TextStyle& style);
/// lab.compare/1, one document with a newline at its end.
std::string comparison_json(const ComparisonReport& report);

}  // namespace lab
