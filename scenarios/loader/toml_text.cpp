#include <fmt/format.h>

#include <algorithm>

#include "scenarios/loader/toml_reader.hpp"

namespace lab {

namespace {

constexpr std::size_t kLargestFile = 1 << 20;
constexpr int kDeepest = 40;

/// Walks over TOML text as far as nesting goes: brackets that are open, and dots in a row of keys. Knows
/// strings and comments, whose brackets and dots mean nothing.
class Nesting {
 public:
  explicit Nesting(std::string_view text) : text_(text) {}

  /// The first place that is too deep, if there is one.
  std::optional<toml::source_position> too_deep() {
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"' || c == '\'') {
        skip_string(c);
        continue;
      }
      if (c == '#') {
        at_ = std::min(text_.find('\n', at_), text_.size());
        continue;
      }
      count(c);
      if (open_ > kDeepest || dots_ > kDeepest) return position();
      ++at_;
    }
    return std::nullopt;
  }

 private:
  void count(char c) {
    if (c == '.') {
      ++dots_;
    } else if (c == '[' || c == '{') {
      ++open_;
      dots_ = 0;
    } else if (c == ']' || c == '}') {
      open_ = std::max(0, open_ - 1);
      dots_ = 0;
    } else if (c == '=' || c == ',' || c == '\n') {
      dots_ = 0;
    }
  }

  void skip_string(char quote) {
    const std::string three(3, quote);
    if (text_.substr(at_, 3) == three) {
      at_ += 3;
      while (at_ < text_.size() && text_.substr(at_, 3) != three)
        at_ += quote == '"' && text_[at_] == '\\' ? 2 : 1;
      at_ = std::min(at_ + 3, text_.size());
      return;
    }
    ++at_;
    while (at_ < text_.size() && text_[at_] != quote && text_[at_] != '\n') {
      at_ += quote == '"' && text_[at_] == '\\' ? 2 : 1;
    }
    at_ = std::min(at_ + 1, text_.size());
  }

  toml::source_position position() const {
    const std::string_view before = text_.substr(0, at_);
    const auto lines = static_cast<toml::source_index>(std::count(before.begin(), before.end(), '\n'));
    const std::size_t start = before.rfind('\n');
    const std::size_t column = start == std::string_view::npos ? at_ : at_ - start - 1;
    return {lines + 1, static_cast<toml::source_index>(column + 1)};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int open_ = 0;
  int dots_ = 0;
};

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// The mistakes that people make when they write a scenario, in their words instead of the parser's.
std::string_view hint(std::string_view problem) {
  if (contains(problem, "parsing string")) return " (is the closing quote missing?)";
  if (contains(problem, "inline table") && contains(problem, "'\\n'"))
    return " (a table in braces stays on one line)";
  if (contains(problem, "parsing value") || contains(problem, "integer:") || contains(problem, "float")) {
    return " (words and durations stand in quotes: \"100ms\")";
  }
  return "";
}

}  // namespace

std::optional<toml::table> parse_toml(std::string_view text, Problems& problems) {
  if (text.size() > kLargestFile) {
    problems.at({}, "the file is larger than 1 MB, which no scenario needs");
    return std::nullopt;
  }
  if (const auto place = Nesting(text).too_deep()) {
    problems.at({*place, *place, nullptr}, fmt::format("nested more than {} levels deep", kDeepest));
    return std::nullopt;
  }
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {  // the packaged parser is built to throw
    constexpr std::string_view kPrefix = "Error while ";
    std::string_view problem = error.description();
    if (problem.starts_with(kPrefix)) problem.remove_prefix(kPrefix.size());
    problems.at(error.source(), fmt::format("broken TOML, {}{}", problem, hint(problem)));
    return std::nullopt;
  }
}

}  // namespace lab
