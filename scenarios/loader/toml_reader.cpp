#include "scenarios/loader/toml_reader.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "lab/core/text.hpp"

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

bool has_part(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

/// The mistakes that people make when they write a scenario, in their words instead of the parser's.
std::string_view hint(std::string_view problem) {
  if (has_part(problem, "parsing string")) return " (is the closing quote missing?)";
  if (has_part(problem, "inline table") && has_part(problem, "'\\n'"))
    return " (a table in braces stays on one line)";
  if (has_part(problem, "parsing value") || has_part(problem, "integer:") || has_part(problem, "float")) {
    return " (words and durations stand in quotes: \"100ms\")";
  }
  return "";
}

constexpr std::size_t kLongestText = 10'000;

/// How many bytes of a control character begin at `i`: none, one, or two for U+0080 to U+009F (C2 80 to C2 9F
/// in UTF-8). A terminal would obey them instead of showing them.
std::size_t control_at(std::string_view text, std::size_t i) {
  const auto byte = static_cast<unsigned char>(text[i]);
  if (byte < 0x20 || byte == 0x7f) return 1;
  if (byte != 0xc2 || i + 1 == text.size()) return 0;
  return static_cast<unsigned char>(text[i + 1]) < 0xa0 ? 2 : 0;
}

bool has_control(std::string_view text, bool many_lines) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool line_end = text[i] == '\n' || text.substr(i, 2) == "\r\n";
    if (text[i] == '\t' || (many_lines && line_end)) continue;
    if (control_at(text, i) > 0) return true;
  }
  return false;
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

void Problems::at(const toml::source_region& where, std::string_view what) {
  if (first_) return;
  const auto line = std::max<toml::source_index>(where.begin.line, 1);
  const auto column = std::max<toml::source_index>(where.begin.column, 1);
  first_ = usage_error("{}:{}:{}: {}", file_, line, column, printable(what));
}

void Problems::option(std::string_view what) {
  if (!first_) first_ = usage_error("{}", printable(what));
}

std::string printable(std::string_view text, std::size_t longest) {
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
  return "'" + printable(word, 60) + "'";
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::ptrdiff_t first = digits.starts_with('-') ? 1 : 0;
  for (std::ptrdiff_t at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > first; at -= 3) {
    digits.insert(static_cast<std::size_t>(at), ",");
  }
  return digits;
}

std::string_view kind_of(const toml::node& node) {
  switch (node.type()) {
    case toml::node_type::none: return "nothing";
    case toml::node_type::table: return "a table";
    case toml::node_type::array: return "an array";
    case toml::node_type::string: return "a string";
    case toml::node_type::integer: return "a whole number";
    case toml::node_type::floating_point: return "a fraction";
    case toml::node_type::boolean: return "true or false";
    case toml::node_type::date:
    case toml::node_type::time:
    case toml::node_type::date_time: return "a date or time";
  }
  return "something else";
}

std::string read_text(Problems& problems, const toml::node& node, std::string_view what, bool many_lines) {
  const auto* text = node.as_string();
  if (text == nullptr) {
    problems.at(node.source(), fmt::format("{} must be a string in quotes, not {}", what, kind_of(node)));
    return "";
  }
  if (text->get().size() > kLongestText) {
    problems.at(node.source(), fmt::format("{} is longer than {} bytes", what, grouped(kLongestText)));
    return "";
  }
  if (has_control(text->get(), many_lines)) {
    problems.at(node.source(), fmt::format("{} holds a {}control character; write plain text", what,
                                           many_lines ? "" : "line break or "));
    return "";
  }
  return text->get();
}

std::int64_t read_integer(Problems& problems, const toml::node& node, std::string_view what, std::int64_t low,
                          std::int64_t high) {
  const auto* number = node.as_integer();
  if (number == nullptr) {
    problems.at(node.source(), fmt::format("{} must be a whole number from {} to {}, not {}", what,
                                           grouped(low), grouped(high), kind_of(node)));
    return low;
  }
  if (number->get() < low || number->get() > high) {
    problems.at(node.source(), fmt::format("{} is {}; it must be from {} to {}", what, number->get(),
                                           grouped(low), grouped(high)));
    return low;
  }
  return number->get();
}

const toml::table* read_table(Problems& problems, const toml::node& node, std::string_view demand) {
  if (!node.is_table()) problems.at(node.source(), fmt::format("{}, not {}", demand, kind_of(node)));
  return node.as_table();
}

std::vector<const toml::table*> read_tables(Problems& problems, const toml::node& node, std::string_view what,
                                            std::size_t most) {
  std::vector<const toml::table*> tables;
  const toml::array* array = node.as_array();
  if (array == nullptr) {
    problems.at(node.source(), fmt::format("{} must be an array of tables, not {}", what, kind_of(node)));
    return tables;
  }
  if (array->empty()) problems.at(node.source(), fmt::format("{} is empty; at least one is needed", what));
  if (array->size() > most) {
    problems.at(node.source(), fmt::format("{} has {} entries; at most {}", what, array->size(), most));
    return tables;
  }
  for (const toml::node& entry : *array) {
    if (const auto* table =
            read_table(problems, entry, fmt::format("each entry of {} must be a table", what)))
      tables.push_back(table);
  }
  return tables;
}

std::vector<std::pair<const toml::key*, const toml::node*>> in_file_order(const toml::table& table) {
  std::vector<std::pair<const toml::key*, const toml::node*>> entries;
  for (const auto& [key, value] : table) entries.emplace_back(&key, &value);
  std::stable_sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.first->source().begin < b.first->source().begin;
  });
  return entries;
}

TableReader::TableReader(Problems& problems, const toml::table& table, std::string what,
                         const std::vector<std::string>& known)
    : problems_(&problems), table_(&table), what_(std::move(what)) {
  for (const auto& [key, value] : in_file_order(table)) {
    if (contains(known, key->str())) continue;
    problems.at(key->source(), fmt::format("unknown key {} in {}{}", in_quotes(key->str()), what_,
                                           suggestion(key->str(), known)));
  }
}

const toml::node* TableReader::need(std::string_view key, std::string_view example) const {
  const toml::node* node = find(key);
  if (node == nullptr) {
    problems_->at(table_->source(),
                  fmt::format("{} needs the key '{}', for example {}", what_, key, example));
  }
  return node;
}

const toml::source_region& TableReader::where(std::string_view key) const {
  const toml::node* node = find(key);
  return node == nullptr ? table_->source() : node->source();
}

std::string TableReader::naming(std::string_view key) const {
  return fmt::format("{} of {}", key, what_);
}

std::string TableReader::text(std::string_view key, bool many_lines) const {
  const toml::node* node = find(key);
  return node == nullptr ? "" : read_text(*problems_, *node, naming(key), many_lines);
}

std::vector<std::string> TableReader::texts(std::string_view key) const {
  std::vector<std::string> result;
  const toml::node* node = find(key);
  if (node == nullptr) return result;
  const toml::array* array = node->as_array();
  if (array == nullptr) {
    problem(key, fmt::format("{} must be an array of strings, not {}", naming(key), kind_of(*node)));
    return result;
  }
  for (const toml::node& entry : *array)
    result.push_back(read_text(*problems_, entry, "each of " + naming(key)));
  return result;
}

std::int64_t TableReader::integer(std::string_view key, std::int64_t low, std::int64_t high,
                                  std::int64_t otherwise) const {
  const toml::node* node = find(key);
  return node == nullptr ? otherwise : read_integer(*problems_, *node, naming(key), low, high);
}

bool TableReader::flag(std::string_view key, bool otherwise) const {
  const toml::node* node = find(key);
  if (node == nullptr) return otherwise;
  if (const auto* value = node->as_boolean()) return value->get();
  problem(key, fmt::format("{} must be true or false, not {}", naming(key), kind_of(*node)));
  return otherwise;
}

}  // namespace lab
