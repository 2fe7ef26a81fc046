#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/text.hpp"

namespace lab {

/// A word of the command line and what it stands for.
template <class Value>
struct Word {
  const char* word;
  Value value;
};

/// What `text` stands for; the error names the option and the nearest word.
template <class Value, std::size_t N>
Result<Value> pick(const char* option, const std::string& text, const Word<Value> (&words)[N]) {
  std::vector<std::string> known;
  for (const Word<Value>& candidate : words) {
    if (text == candidate.word) return candidate.value;
    known.emplace_back(candidate.word);
  }
  return usage_error("{}: unknown word '{}'{}", option, text, suggestion(text, known));
}

inline constexpr Word<Arrivals> kArrivalWords[] = {{"burst", Arrivals::burst},
                                                   {"closed", Arrivals::closed},
                                                   {"constant", Arrivals::constant},
                                                   {"poisson", Arrivals::poisson},
                                                   {"staggered", Arrivals::staggered}};

}  // namespace lab
