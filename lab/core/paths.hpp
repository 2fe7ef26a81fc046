#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace lab {

/// The running program's file.
std::filesystem::path program_path();

/// The source checkout that holds the program (or else the current folder): the nearest parent with both
/// `labw` and `scenarios/`.
std::optional<std::filesystem::path> checkout_root();

/// The first executable file of that name in $PATH.
std::optional<std::filesystem::path> find_program(std::string_view name);

/// `<prefix>/share/lab` of an installed program, whether or not it exists.
std::filesystem::path installed_share();

}  // namespace lab
