// The course: advice, findings explained, the quiz and graded answers, read from results/*.toml and the
// scenarios' [[ask]]. It uses the model through lab/experiment; only the command line uses it.
#pragma once

#include <string_view>

namespace lab {

/// results/advise.toml, quiz.toml and findings.toml as they were when the program was built.
extern const std::string_view kAdviceText;
extern const std::string_view kQuizText;
extern const std::string_view kFindingsText;

/// A figure as people write it: `1s`, which is one second, or a plain number.
struct Figure {
  double value = 0;
  bool is_time = false;
};

}  // namespace lab
