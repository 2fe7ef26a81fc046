#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "lab/core/claims.hpp"
#include "lab/core/error.hpp"
#include "lab/core/traits.hpp"

namespace lab {

/// Reads claims from TOML text; errors are `file:line:column: what was expected`. Says nothing about whether
/// scenarios, arms and cases exist.
Result<ClaimsFile> parse_claims(std::string_view toml, const std::string& file);

/// Reads a file; without a path `results/claims.toml` of the checkout or the installation's.
Result<ClaimsFile> load_claims(const std::optional<std::filesystem::path>& path = {});

/// Looks every scenario, arm, case, route and parameter up and fills in the cases that are not named.
Result<void> settle_claims(ClaimsFile& file, std::span<const Traits> modes);

}  // namespace lab
