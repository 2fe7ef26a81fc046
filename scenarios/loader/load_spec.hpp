#pragma once

#include <cstdint>
#include <optional>

#include "scenarios/loader/draft.hpp"

namespace lab {

/// A load as the file says it: until the options have had their say, it is open which of `until` and
/// `requests` gives the other.
struct LoadSpec {
  Load load;
  std::optional<std::int64_t> requests;
  std::optional<Nanos> until;
  toml::source_region where;  ///< for what turns out wrong only when it is put together
};

/// How many requests this load sends; a load that sends none or too many is a problem.
std::int64_t count_requests(Draft& draft, const LoadSpec& spec);

/// What a client does besides asking: the body it sends, when it hangs up, what it keeps and asks then
/// (load_behaviour.cpp).
void read_behaviour(Draft& draft, const TableReader& table, Load& load);

/// --requests, --arrivals, --rate, --duration and --connections (load_overrides.cpp).
void apply_overrides(Draft& draft, LoadSpec& spec, bool first);

}  // namespace lab
