#pragma once

#include <string_view>

namespace lab {

/// results/advise.toml, quiz.toml and findings.toml as they were when the program was built.
extern const std::string_view kAdviceText;
extern const std::string_view kQuizText;
extern const std::string_view kFindingsText;

}  // namespace lab
