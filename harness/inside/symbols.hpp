#pragma once

#include <cstdint>
#include <map>
#include <string_view>

#include "harness/inside/probe_lines.hpp"

namespace lab {

/// A probe of a compiled program knows only which address of which object file a thread was at. This asks
/// addr2line (binutils) for file, line and function of each, with the functions that were inlined there.
/// Where there is no such program, or no symbol, a frame stays as it is: the object file and line 0.
void resolve_symbols(ProbeLines& lines);

/// Whether an object or source file came with the system: the C library, or headers of Boost.
bool is_of_system(std::string_view file);

/// What `addr2line -Caife` writes: the places at each address, the innermost first; those that it does not
/// know are left out.
std::map<std::uint64_t, CodeStack> places_in(std::string_view output);

}  // namespace lab
