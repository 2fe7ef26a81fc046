#pragma once

#include <boost/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "harness/inside/inside_view.hpp"
#include "results/render/page.hpp"

namespace lab {

/// What would help, and what it would give by the measured service time.
struct LineFix {
  std::string text;
  std::optional<double> predicted_s;  ///< makespan of the largest burst; none where it changes nothing there
};

/// A line of the server's code as it is reported.
struct LineReport {
  NamedLine line;
  std::string id, title;  ///< `LAB101`, `event loop blocked`
  std::string where;      ///< `main.py:17 in report()`, from the server's folder
  std::string says;       ///< what was seen of it
  std::vector<LineFix> fixes;
};

/// What was seen inside a server, as it is reported.
struct InsideReport {
  InsideView view;
  std::vector<LineReport> lines;
  int at_once = 0;    ///< of the largest burst, which fixes are predicted for
  double now_s = 0;   ///< its makespan
  std::string proof;  ///< the command that shows what an edit changed
};

/// `outside`: how many cores there are. `now_s` is what a burst of so many took.
InsideReport make_inside_report(InsideView view, const Observations& outside, const Diagnosis& verdict,
                                int at_once, double now_s, const std::string& runtime);

void add_inside(const InsideReport& report, Page& page);
boost::json::value inside_as_json(const InsideReport& report);

/// SARIF 2.1.0 (OASIS): one result for each line, for code review.
std::string inside_as_sarif(const std::optional<InsideReport>& report, const std::string& url);

}  // namespace lab
