#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/text.hpp"

// Readers of what people write behind an option. Each error (exit 2) names the option.

namespace lab {

/// A word and what it stands for.
template <class Value>
struct Word {
  const char* name;
  Value value;
};

/// What `text` stands for; the error names the nearest word.
template <class Value, std::size_t N>
Result<Value> parse_word(const std::string& option, const std::string& text, const Word<Value> (&words)[N]) {
  for (const auto& [name, value] : words) {
    if (text == name) return value;
  }
  return usage_error("{}: unknown word '{}'{}", option, text, suggestion(text, ids_of(words)));
}

inline constexpr Word<Arrivals> kArrivalWords[] = {{"burst", Arrivals::burst},
                                                   {"closed", Arrivals::closed},
                                                   {"constant", Arrivals::constant},
                                                   {"poisson", Arrivals::poisson},
                                                   {"staggered", Arrivals::staggered}};
/// Whether a connection is made with its request.
inline constexpr Word<bool> kConnectionWords[] = {{"opened", false}, {"fresh", true}};

/// A whole number within [least, most].
Result<std::int64_t> parse_count(const std::string& option, const std::string& text, std::int64_t least,
                                 std::int64_t most);

/// A number above `above`, at most `most`.
Result<double> parse_number(const std::string& option, const std::string& text, double above, double most);

/// A part of a whole, 0 to 1: `80%` or 0.8.
Result<double> parse_share(const std::string& option, const std::string& text);

/// `ping.latency.max`
Result<Stat> parse_stat(const std::string& option, const std::string& text);

/// `100ms`, as parse_duration reads it.
Result<Nanos> parse_span(const std::string& option, const std::string& text);

/// `d=1s`. `form`: what was expected, with an example.
Result<std::pair<std::string, Nanos>> parse_assignment(const std::string& option, const std::string& text,
                                                       const char* form);

}  // namespace lab
