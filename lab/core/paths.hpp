#pragma once

#include <filesystem>
#include <optional>

namespace lab {

/// The running program's file.
std::filesystem::path program_path();

/// The source checkout that holds the program (or else the current folder): the nearest parent with both
/// `labw` and `scenarios/`.
std::optional<std::filesystem::path> checkout_root();

/// `<prefix>/share/lab` of an installed program, whether or not it exists.
std::filesystem::path installed_share();

}  // namespace lab
