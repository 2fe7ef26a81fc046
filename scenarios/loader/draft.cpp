#include "scenarios/loader/draft.hpp"

#include <algorithm>

#include "lab/core/text.hpp"

namespace lab {

namespace {

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
    const auto lines = static_cast<toml::source_index>(std::ranges::count(before, '\n'));
    const std::size_t start = before.rfind('\n');
    const std::size_t column = start == std::string_view::npos ? at_ : at_ - start - 1;
    return {lines + 1, static_cast<toml::source_index>(column + 1)};
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int open_ = 0;
  int dots_ = 0;
};

bool has_part(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// The mistakes that people make when they write a scenario, in their words instead of the parser's.
std::string_view hint(std::string_view problem) {
  if (has_part(problem, "parsing string")) return " (is the closing quote missing?)";
  if (has_part(problem, "inline table") && has_part(problem, "'\\n'"))
    return " (a table in braces must be on one line)";
  if (has_part(problem, "parsing value") || has_part(problem, "integer:") || has_part(problem, "float")) {
    return " (words and durations need quotes: \"100ms\")";
  }
  return "";
}

/// How many bytes of a control character begin at `i`: none, one, or two for U+0080 to U+009F (C2 80 to C2 9F
/// in UTF-8). A terminal would obey them instead of showing them.
std::size_t control_at(std::string_view text, std::size_t i) {
  const auto byte = static_cast<unsigned char>(text[i]);
  if (byte < 0x20 || byte == 0x7f) return 1;
  if (byte != 0xc2 || i + 1 == text.size()) return 0;
  return static_cast<unsigned char>(text[i + 1]) < 0xa0 ? 2 : 0;
}

}  // namespace

bool has_control(std::string_view text, bool many_lines) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool line_end = text[i] == '\n' || text.substr(i, 2) == "\r\n";
    if (text[i] == '\t' || (many_lines && line_end)) continue;
    if (control_at(text, i) > 0) return true;
  }
  return false;
}

toml::table parse_toml(std::string_view text, const Problems& problems) {
  if (text.size() > kLargestFile) problems.at({}, "the file is larger than 1 MB, which no scenario needs");
  if (const auto place = Nesting(text).too_deep())
    problems.at({*place, *place, nullptr}, "nested more than {} levels deep", kDeepest);
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {  // the packaged parser is built to throw
    constexpr std::string_view kPrefix = "Error while ";
    std::string_view problem = error.description();
    if (problem.starts_with(kPrefix)) problem.remove_prefix(kPrefix.size());
    problems.at(error.source(), "broken TOML, {}{}", problem, hint(problem));
  }
}

void Problems::fail(const toml::source_region* where, std::string_view what) const {
  const auto from_one = [](toml::source_index index) { return std::max<toml::source_index>(index, 1); };
  std::string place;
  if (where != nullptr)
    place = fmt::format("{}:{}:{}: ", file_, from_one(where->begin.line), from_one(where->begin.column));
  throw Failure(usage_error("{}{}", place, one_line(what)));
}

std::string one_line(std::string_view text, std::size_t longest) {
  std::string line;
  const std::string_view kept = text.substr(0, longest);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    const std::size_t control = control_at(kept, i);
    line += control > 0 ? '?' : kept[i];
    if (control > 1) ++i;
  }
  if (text.size() <= longest) return line;
  while (!line.empty() && (static_cast<unsigned char>(line.back()) & 0xc0) == 0x80) line.pop_back();
  if (!line.empty() && (static_cast<unsigned char>(line.back()) & 0x80) != 0) line.pop_back();
  return line + "...";
}

std::string in_quotes(std::string_view word) {
  return "'" + one_line(word, 60) + "'";
}

std::string_view kind_of(const toml::node& node) {
  // In the order of toml::node_type.
  constexpr std::string_view kKinds[] = {"nothing",        "a table",       "an array",      "a string",
                                         "a whole number", "a fraction",    "true or false", "a date or time",
                                         "a date or time", "a date or time"};
  return kKinds[static_cast<std::size_t>(node.type())];
}

std::vector<std::pair<const toml::key*, const toml::node*>> in_file_order(const toml::table& table) {
  std::vector<std::pair<const toml::key*, const toml::node*>> entries;
  for (const auto& [key, value] : table) entries.emplace_back(&key, &value);
  std::ranges::stable_sort(entries, std::less{},
                           [](const auto& entry) { return entry.first->source().begin; });
  return entries;
}

}  // namespace lab
