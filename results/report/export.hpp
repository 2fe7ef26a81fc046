#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "results/report/report.hpp"
#include "results/store/run.hpp"

namespace lab {

struct TextStyle {
  int width = 80;
  bool ascii = false;
  bool color = false;
};

/// Table, lanes and remarks for a terminal, a projector or a pipe (text.cpp).
std::string to_text(const Report& report, const TextStyle& style);
/// The table alone; for the live view while repetitions come in.
std::string table_text(const Report& report, const TextStyle& style);
/// lab.run/1, one document with a newline at its end (json.cpp).
std::string to_json(const Report& report);
/// One row per arm, case, repetition and stat (csv.cpp); cells that start with = + - @ are escaped.
std::string to_csv(const Report& report);
/// A table for a README or an issue (markdown.cpp).
std::string to_markdown(const Report& report);
/// The lanes as a picture for a slide or a page (svg.cpp).
std::string to_svg(const Report& report);
/// One page for a browser, without anything from elsewhere (html.cpp).
std::string to_html(const std::vector<Report>& reports);

// The formats of other people's tools, made from a recorded run.

/// What vegeta's CSV says of a route.
struct VegetaTarget {
  std::string method, url;
};

/// The 12 columns of `vegeta encode --to csv` (vegeta 12, lib/results.go), a line for each request that was
/// sent, in order of time; the attack's name is the arm's. Latencies count from the intended time. Bodies and
/// headers are not recorded, so their columns are empty and `bytes in` is 0. `targets` by
/// RequestRecord::route, `bytes_out` by RequestRecord::load. Unix time is that of the run's start, which is
/// known to the second, plus what the monotonic clock says. Refuses a run without sent requests.
Result<std::string> to_vegeta(const Run& run, const std::vector<VegetaTarget>& targets,
                              const std::map<std::string, std::vector<std::int64_t>>& bytes_out);

/// Google Benchmark's JSON: a family for each arm and case, an iteration for each repetition, then mean,
/// median, stddev and cv; real_time is the makespan, cpu_time what the server's processes used, in
/// milliseconds. Its tools/compare.py does the U test on two of them. Refuses a run in which nothing was
/// measured.
Result<std::string> to_gbench(const Report& report, const Run& run);

}  // namespace lab
