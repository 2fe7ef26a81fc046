#include "lab/core/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdint>
#include <system_error>
#include <utility>

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
  std::ranges::transform(word, word.begin(), to_lower);
  return word;
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

void replace_all(std::string& text, std::string_view what, std::string_view by) {
  for (std::size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + by.size()))
    text.replace(at, what.size(), by);
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

namespace {

constexpr char32_t kReplacement = 0xFFFD;

constexpr std::array<std::pair<char32_t, std::string_view>, 33> kAscii{{
    {U'\u00A0', " "},  {U'\u00B0', " deg"},   {U'\u00B1', "+-"}, {U'\u00B5', "u"},   {U'\u00B7', "."},
    {U'\u00D7', "x"},  {U'\u03BC', "u"},      {U'\u2009', " "},  {U'\u2010', "-"},   {U'\u2011', "-"},
    {U'\u2012', "-"},  {U'\u2013', "-"},      {U'\u2014', "-"},  {U'\u2018', "'"},   {U'\u2019', "'"},
    {U'\u201C', "\""}, {U'\u201D', "\""},     {U'\u2022', "*"},  {U'\u2026', "..."}, {U'\u202F', " "},
    {U'\u2190', "<-"}, {U'\u2192', "->"},     {U'\u2212', "-"},  {U'\u221E', "inf"}, {U'\u2248', "~"},
    {U'\u2260', "!="}, {U'\u2264', "<="},     {U'\u2265', ">="}, {U'\u22EE', ":"},   {U'\u2308', "ceil("},
    {U'\u2309', ")"},  {U'\u230A', "floor("}, {U'\u230B', ")"},
}};

bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7F && code < 0xA0) || code == 0x061C ||
         (code >= 0x200B && code <= 0x200F) || (code >= 0x2028 && code <= 0x202E) ||
         (code >= 0x2060 && code <= 0x206F) || code == 0xFEFF;
}

std::string_view ascii_for(char32_t code) {
  const auto* known = std::ranges::find_if(kAscii, [code](const auto& entry) { return entry.first == code; });
  return known == kAscii.end() ? "?" : known->second;
}

}  // namespace

char32_t next_code_point(std::string_view& text) {
  constexpr std::array<std::uint8_t, 5> kMask{0, 0x7F, 0x1F, 0x0F, 0x07};  // by length
  constexpr std::array<char32_t, 5> kLeast{0, 0, 0x80, 0x800, 0x10000};
  const auto byte = [&text](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  const std::uint8_t first = byte(0);
  const std::size_t length = first < 0x80                    ? 1
                             : first < 0xC2 || first >= 0xF5 ? 0
                             : first < 0xE0                  ? 2
                             : first < 0xF0                  ? 3
                                                             : 4;
  bool is_valid = length > 0 && length <= text.size();
  char32_t code = first & kMask[length];
  for (std::size_t i = 1; is_valid && i < length; ++i) {
    is_valid = (byte(i) & 0xC0U) == 0x80;
    code = (code << 6U) | (byte(i) & 0x3FU);
  }
  is_valid = is_valid && code >= kLeast[length] && code <= 0x10FFFF && (code < 0xD800 || code >= 0xE000);
  text.remove_prefix(is_valid ? length : 1);
  return is_valid ? code : kReplacement;
}

void append_code_point(char32_t code, std::string& out) {
  constexpr std::array<char32_t, 4> kFirst{0, 0xC0, 0xE0, 0xF0};  // by how many follow
  std::size_t more = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
  out += static_cast<char>(kFirst[more] | (code >> (6 * more)));
  while (more-- > 0) out += static_cast<char>(0x80 | ((code >> (6 * more)) & 0x3FU));
}

std::size_t columns(std::string_view text) {
  std::size_t count = 0;
  for (; !text.empty(); ++count) next_code_point(text);
  return count;
}

std::string valid_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) append_code_point(next_code_point(text), out);
  return out;
}

std::string printable(std::string_view text, bool ascii) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const char32_t code = next_code_point(text);
    if (code == '\n' || code == '\t' || code == '\r') {
      out += ' ';
    } else if (is_control(code)) {
      out += '?';
    } else if (code < 0x80 || !ascii) {
      append_code_point(code, out);
    } else {
      out += ascii_for(code);
    }
  }
  return out;
}

std::string take_columns(std::string_view& text, std::size_t count) {
  std::string taken;
  for (std::size_t i = 0; i < count && !text.empty(); ++i) append_code_point(next_code_point(text), taken);
  return taken;
}

std::string shorten(std::string_view text, std::size_t width, bool ascii) {
  if (columns(text) <= width) return std::string(text);
  const std::string_view mark = ascii ? "..." : "…";
  const std::size_t kept = width > columns(mark) ? width - columns(mark) : 0;
  std::string out = take_columns(text, kept);
  while (!out.empty() && out.back() == ' ') out.pop_back();
  return kept == 0 ? std::string(width, '.') : out.append(mark);
}

std::string pad(std::string_view text, std::size_t width, bool right) {
  const std::size_t used = columns(text);
  const std::string blanks(width > used ? width - used : 0, ' ');
  return right ? blanks + std::string(text) : std::string(text) + blanks;
}

}  // namespace lab
