#pragma once

#include <filesystem>
#include <string>

namespace lab {

/// The folder of a recorded run: a path, a folder's name under the runs folder, a scenario's name (its newest
/// run), or `last`. Throws Failure naming the nearest run.
std::filesystem::path find_run(const std::string& name);

}  // namespace lab
