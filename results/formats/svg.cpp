#include "results/report/format.hpp"
#include "results/report/picture.hpp"

namespace lab {

extern const ReportFormat k_format_svg{
    .word = "svg",
    .write = [](const FormatInput& input) -> Result<std::string> {
      return one_by_one(input, "\n", [&](const Report& report) { return to_svg(report, input.picture); });
    },
    .is_picture = true};

}  // namespace lab
