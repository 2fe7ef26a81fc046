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
  /// Makespan of the largest burst; none where it gains nothing there, or others remain.
  std::optional<double> predicted_s;
  std::string advice, command;  ///< `offload`; `lab advise …` with code, where it is the server's language
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
  std::string folder;               ///< that the server ran in; empty: not known
  std::optional<double> blocked_s;  ///< so long each request of a burst kept its loop, by the probes
  int at_once = 0;                  ///< of the largest burst, which fixes are predicted for
  double now_s = 0;                 ///< its makespan
  std::string proof;                ///< the command that shows what an edit changed
};

/// Without its fixes, and what they are predicted for.
InsideReport make_inside_report(const InsideSeen& seen, const Diagnosis& verdict);

void add_inside(const InsideReport& report, Page& page);
boost::json::value inside_as_json(const InsideReport& report);

}  // namespace lab
