#include "lab/core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <system_error>
#ifndef __cpp_lib_to_chars
#include <cmath>
#include <cstdlib>
#endif

namespace lab {

std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) d[i][0] = i;
  for (std::size_t j = 0; j <= b.size(); ++j) d[0][j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
      }
    }
  }
  return d[a.size()][b.size()];
}

std::optional<std::string> nearest_word(std::string_view word, const std::vector<std::string>& candidates) {
  constexpr std::size_t kLongestCompared = 200;  // a pasted megabyte is no misspelling
  if (word.size() > kLongestCompared) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = std::max<std::size_t>(2, word.size() / 2) + 1;
  for (const std::string& candidate : candidates) {
    const std::size_t distance = edit_distance(word, candidate);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  // `blocking` for `blocking-loop`: half a word is often many letters away from the whole one.
  constexpr std::size_t kShortestStart = 3;
  for (const std::string& candidate : candidates) {
    if (best || word.size() < kShortestStart) break;
    if (candidate.starts_with(word)) best = candidate;
  }
  return best;
}

std::string suggestion(std::string_view word, const std::vector<std::string>& candidates) {
  const std::optional<std::string> near = nearest_word(word, candidates);
  if (candidates.empty()) return "";
  constexpr std::size_t kListed = 12;  // more than these no one reads in an error
  if (candidates.size() > kListed)
    return near ? fmt::format(" (did you mean '{}'?)", *near)
                : fmt::format(" ({} are known)", candidates.size());
  const std::string known = join(candidates, ", ");
  return near ? fmt::format(" (did you mean '{}'? known: {})", *near, known)
              : fmt::format(" (known: {})", known);
}

std::from_chars_result read_double(std::string_view text, double& number) {
#ifdef __cpp_lib_to_chars
  return std::from_chars(text.data(), text.data() + text.size(), number);
#else
  const std::string digits(text.substr(0, text.find_first_not_of("0123456789.eE+-")));
  char* end = nullptr;
  const double read = std::strtod(digits.c_str(), &end);
  if (end == digits.c_str() || digits.front() == '+') return {text.data(), std::errc::invalid_argument};
  const char* const behind = text.data() + (end - digits.c_str());
  if (std::isinf(read)) return {behind, std::errc::result_out_of_range};
  number = read;
  return {behind, std::errc()};
#endif
}

std::string lower_case(std::string_view text) {
  std::string word(text);
  std::transform(word.begin(), word.end(), word.begin(), to_lower);
  return word;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

bool contains(const std::vector<std::string>& words, std::string_view word) {
  return std::ranges::find(words, word) != words.end();
}

bool has_only_letters(std::string_view text, std::string_view besides) {
  return std::ranges::all_of(text, [&](char c) {
    const char low = to_lower(c);
    return (low >= 'a' && low <= 'z') || (c >= '0' && c <= '9') || besides.find(c) != std::string_view::npos;
  });
}

std::string grouped(std::int64_t number, char separator) {
  std::string digits = std::to_string(number);
  const std::ptrdiff_t first = digits.starts_with('-') ? 1 : 0;
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > first; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, separator);
  return digits;
}

std::string plural(std::int64_t number, std::string_view noun) {
  return fmt::format("{} {}{}", number, noun, number == 1 ? "" : "s");
}

std::string number_word(std::int64_t number) {
  constexpr std::array<std::string_view, 13> kWords{"no",   "one",    "two",   "three", "four",
                                                    "five", "six",    "seven", "eight", "nine",
                                                    "ten",  "eleven", "twelve"};
  return number >= 0 && number < std::ssize(kWords) ? std::string(kWords[static_cast<std::size_t>(number)])
                                                    : std::to_string(number);
}

std::string shell_word(const std::string& word) {
  const bool plain = !word.empty() && std::ranges::all_of(word, [](unsigned char letter) {
    return std::isalnum(letter) != 0 || letter >= 0x80 ||
           std::string_view("-_./+,:@%").find(static_cast<char>(letter)) != std::string_view::npos;
  });
  if (plain) return word;
  std::string text = "'";
  for (const char letter : word) text += letter == '\'' ? std::string("'\\''") : std::string(1, letter);
  return text + "'";
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  return fmt::format("{}", fmt::join(parts, separator));
}

std::vector<std::string> split(std::string_view text, char separator) {
  std::vector<std::string> parts;
  std::size_t from = 0;
  while (true) {
    const std::size_t at = text.find(separator, from);
    parts.emplace_back(text.substr(from, at - from));
    if (at == std::string_view::npos) return parts;
    from = at + 1;
  }
}

}  // namespace lab
