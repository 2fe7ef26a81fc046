#pragma once

#include <span>
#include <string_view>

namespace lab {

/// A scenario's TOML text, kept in the program.
struct NamedText {
  std::string_view name, text;
};

/// Those of the catalogue, sorted by name.
std::span<const NamedText> scenario_texts();

}  // namespace lab
