#pragma once

#include <string>
#include <string_view>

namespace lab {

/// The text of a file of this folder, as it was when the program was built. It must be one of those that
/// CMake lists (LAB_EXPORTED).
std::string embedded_file(std::string_view name);

}  // namespace lab
