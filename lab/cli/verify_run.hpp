#pragma once

#include <functional>
#include <string>

#include "lab/cli/verify.hpp"

namespace lab {

/// What a batch left, besides its readings.
struct BatchEnd {
  bool interrupted = false;
  std::string noise;  ///< what disturbed it, or empty
};

/// Runs one batch and sets the reading of each of its measures; what cannot be run is absent with its reason.
/// FastAPI that is not installed is replaced by its committed recording. `started` is told the estimate.
BatchEnd take_readings(const VerifyBatch& batch, const VerifyOptions& options, const VerifyObserver& observer,
                       const std::function<void(Nanos)>& started, Readings& readings);

}  // namespace lab
