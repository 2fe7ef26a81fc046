#pragma once

#include <string>

#include "lab/core/plan.hpp"
#include "lab/core/scenario.hpp"
#include "scenarios/export/python_file.hpp"
#include "scenarios/loader/python.hpp"

namespace lab {

/// A step that waits or computes, in both worlds; what it needs is in the module.
struct PythonLeaf {
  PythonCall call;        ///< `time.sleep` and `0.1`
  std::string awaitable;  ///< `asyncio.sleep(0.1)`; empty for what computes
  std::string remark;     ///< `  # in place of qrcode.make(text)`
};

/// Which of the two is going to be used, for only its imports are wanted.
enum class Awaited { no, yes };

PythonLeaf python_leaf(PythonFile& file, const Step& step, const Arm& arm, Awaited awaited);

/// Whether the step is one that python_leaf() knows.
bool is_python_leaf(const Step& step);

}  // namespace lab
