#include "harness/findings/words.hpp"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "lab/core/duration.hpp"

namespace lab {

std::string count(std::int64_t number, std::string_view noun) {
  constexpr std::array<std::string_view, 13> kWords{"no",   "one",    "two",   "three", "four",
                                                    "five", "six",    "seven", "eight", "nine",
                                                    "ten",  "eleven", "twelve"};
  const std::string word = number >= 0 && number < static_cast<std::int64_t>(kWords.size())
                               ? std::string(kWords[static_cast<std::size_t>(number)])
                               : fmt::format("{}", number);
  return fmt::format("{} {}{}", word, noun, number == 1 ? "" : "s");
}

std::string format_span(double seconds) {
  return format_duration(to_nanos(seconds));
}

std::string format_span(Nanos span) {
  return format_duration(span);
}

}  // namespace lab
