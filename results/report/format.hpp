#pragma once

#include <span>
#include <string>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"
#include "results/report/export.hpp"

namespace lab {

/// What a format is given.
struct FormatInput {
  const std::vector<Report>& reports;
  TextStyle style{};
  const Run* run = nullptr;            ///< of the only report, where it is of a recorded run
  const Scenario* scenario = nullptr;  ///< of that run
};

/// One way to write what runs say. Each is a file of results/formats/ whose name is its word; CMake makes the
/// table of what is there.
struct ReportFormat {
  const char* word;                                  ///< as --format takes it
  Result<std::string> (*write)(const FormatInput&);  ///< refuses what it cannot tell of, with the reason
  bool of_record = false;                            ///< needs `run` and `scenario`: only lab report gives it
  bool of_requests = false;                          ///< needs the requests of all repetitions in memory
};

/// All of them, in the order in which help lists them.
std::span<const ReportFormat* const> report_formats();

/// The reports in that format, as one text; the word must be that of a format.
Result<std::string> write_reports(std::string_view word, const FormatInput& input);

/// Each report by itself, with `between` from one to the next.
template <class Write>
std::string one_by_one(const FormatInput& input, const char* between, Write&& write) {
  std::string text;
  for (const Report& report : input.reports) text += (text.empty() ? "" : between) + write(report);
  return text;
}

}  // namespace lab
