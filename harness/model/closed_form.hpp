#pragma once

#include <optional>
#include <string>

#include "harness/model/model.hpp"

namespace lab {

/// A formula and its value for this input.
struct ClosedForm {
  std::string text;
  double seconds = 0;
};

/// For one burst on a route whose plan is one wait (d) or one piece of CPU work (c); none otherwise.
std::optional<ClosedForm> closed_form_of(const ModelInput& input, bool ascii);

}  // namespace lab
