#include <algorithm>
#include <cmath>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

constexpr std::size_t kLongestText = 10'000;
constexpr std::size_t kLongestId = 40;
constexpr std::int64_t kMaxBytes = 100'000'000'000;
constexpr std::string_view kIdRule = "use a-z, 0-9 and '-', first a letter or digit, at most 40 characters";

bool is_id_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

bool is_id(std::string_view text) {
  return !text.empty() && text.size() <= kLongestId && is_id_start(text.front()) &&
         std::ranges::all_of(text, [](char c) { return is_id_start(c) || c == '-'; });
}

Nanos read_param(const Value& value, std::string_view name) {
  const auto& params = value.draft().scenario.params;
  const auto found = params.find(std::string(name));
  if (found != params.end()) return found->second;
  const std::string advice =
      params.empty()
          ? fmt::format("; there are none: add params = {{ {} = \"100ms\" }}", is_id(name) ? name : "d")
          : suggestion(name, ids_of(params));
  value.problem("{} names the unknown parameter {}{}", value.name(), in_quotes(fmt::format("${}", name)),
                advice);
}

/// `span` times the scale of the options; ten years and more are a problem at `where`.
Nanos scaled(Draft& draft, Nanos span, const toml::source_region& where) {
  const double product = static_cast<double>(span) * draft.overrides.scale;
  if (product <= static_cast<double>(kLongestSpan)) return static_cast<Nanos>(std::llround(product));
  draft.problems.at(where, "{} times the scale {} is more than ten years", format_duration(span),
                    draft.overrides.scale);
}

void apply_options(Draft& draft) {
  auto& params = draft.scenario.params;
  for (const auto& [name, value] : draft.overrides.params) {
    const std::string option =
        name == "d" ? "--delay (--set d)" : fmt::format("--set {}", one_line(name, 60));
    const auto param = params.find(name);
    if (param == params.end()) {
      draft.problems.option("{}: scenario '{}' has no parameter {}{}", option, draft.scenario.name,
                            in_quotes(name),
                            params.empty() ? " (it has none)" : suggestion(name, ids_of(params)));
    }
    if (value < 0 || value > kLongestSpan) draft.problems.option("{}: must be from 0ms to ten years", option);
    draft.figures_changed |= param->second != value;
    param->second = value;
  }
}

}  // namespace

void check_id(Draft& draft, const toml::key& key, std::string_view kind) {
  if (!is_id(key.str()))
    draft.problems.at(key.source(), "{} {} is no id: {}", kind, in_quotes(key.str()), kIdRule);
}

Stat read_stat(Draft& draft, std::string_view text, const toml::source_region& where) {
  const Result<Stat> stat = parse_stat(text);
  if (!stat) draft.problems.at(where, "{}", stat.error().message);
  const std::vector<std::string> routes = ids_of(draft.scenario.routes);
  if (!stat->route.empty() && !contains(routes, stat->route)) {
    draft.problems.at(where, "stat {} names the unknown route {}{}", in_quotes(text), in_quotes(stat->route),
                      suggestion(stat->route, routes));
  }
  return *stat;
}

Value::Value(Draft& draft, const toml::key& key, const toml::node& node, std::string_view kind)
    : Value(draft, &node, node.source(), fmt::format("{} {}", kind, in_quotes(key.str()))) {}

bool Value::begins(char letter) const {
  return node_->value_or(std::string_view{}).starts_with(letter);
}

std::string Value::text(bool many_lines) const {
  const auto* text = node_->as_string();
  if (text == nullptr) problem("{} must be a string in quotes, not {}", name(), kind_of(*node_));
  if (text->get().size() > kLongestText) problem("{} is longer than {} bytes", name(), grouped(kLongestText));
  if (has_control(text->get(), many_lines))
    problem("{} holds a {}control character; write plain text", name(), many_lines ? "" : "line break or ");
  return text->get();
}

std::vector<std::string> Value::texts() const {
  std::vector<std::string> result;
  const toml::array* array = node_->as_array();
  if (array == nullptr) problem("{} must be an array of strings, not {}", name(), kind_of(*node_));
  for (const toml::node& entry : *array)
    result.push_back(Value(*draft_, &entry, entry.source(), "each of " + name()).text());
  return result;
}

std::int64_t Value::whole(std::int64_t low, std::int64_t high) const {
  const auto* number = node_->as_integer();
  if (number == nullptr) {
    problem("{} must be a whole number from {} to {}, not {}", name(), grouped(low), grouped(high),
            kind_of(*node_));
  }
  if (number->get() >= low && number->get() <= high) return number->get();
  problem("{} is {}; it must be from {} to {}", name(), number->get(), grouped(low), grouped(high));
}

bool Value::flag() const {
  if (const auto* flag = node_->as_boolean()) return flag->get();
  problem("{} must be true or false, not {}", name(), kind_of(*node_));
}

std::string Value::id(std::string_view kind) const {
  std::string id = named(std::string(kind)).text();
  if (!is_id(id)) problem("{} {} is no id: {}", kind, in_quotes(id), kIdRule);
  return id;
}

std::size_t Value::word(const std::vector<std::string>& known) const {
  const std::string word = named(key_).text();
  const auto found = std::ranges::find(known, word);
  if (found != known.end()) return static_cast<std::size_t>(found - known.begin());
  problem("unknown {} {}{}", key_, in_quotes(word), suggestion(word, known));
}

Nanos Value::span(Scaling scaling) const {
  if (!node_->is_string()) {
    problem("{} must be a duration in quotes, such as \"100ms\"{}, not {}", name(),
            node_->is_number() ? " (a bare number has no unit)" : "", kind_of(*node_));
  }
  const std::string text = this->text();
  if (text.starts_with('$')) return read_param(*this, std::string_view(text).substr(1));
  const Result<Nanos> span = parse_duration(text);
  if (!span) problem("{}: {}", name(), span.error().message);
  return scaling == Scaling::scaled ? scaled(*draft_, *span, *where_) : *span;
}

std::int64_t Value::size() const {
  constexpr std::pair<std::string_view, double> kUnits[] = {{"kB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"B", 1}};
  const std::string text = this->text();
  double number = 0;
  const auto [end, failed] = read_double(text, number);
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  for (const auto& [known, bytes] : kUnits) {
    if (failed != std::errc() || known != unit) continue;
    number = std::round(number * bytes);
    if (number >= 1 && number <= static_cast<double>(kMaxBytes)) return static_cast<std::int64_t>(number);
    problem("{}: {} must be from 1B to 100GB", name(), in_quotes(text));
  }
  problem("{}: {} is not a size; write a number and B, kB, MB or GB, such as \"64MB\"", name(),
          in_quotes(text));
}

std::optional<double> Value::number(double low, double high) const {
  const std::optional<double> number = node_->is_number() ? node_->value<double>() : std::nullopt;
  return number && *number >= low && *number <= high ? number : std::nullopt;
}

std::optional<double> Value::percent() const {
  const std::string_view text = node_->value_or(std::string_view{});
  if (!text.ends_with('%')) return std::nullopt;
  const std::optional<double> percent = number_in<double>(text.substr(0, text.size() - 1));
  return percent && *percent > 0 ? percent : std::nullopt;
}

Stat Value::stat() const {
  return read_stat(*draft_, text(), *where_);
}

double Value::figure(const Stat& stat, Scaling scaling) const {
  if (stat.is_time()) return seconds(span(scaling));
  if (stat.is_bytes() && node_->is_string()) return static_cast<double>(size());
  const std::optional<double> plain = number(0, std::numeric_limits<double>::max());
  if (plain) return *plain;
  problem("{} must be a number of 0 or more, as {} has no unit, not {}", name(), to_string(stat),
          node_->is_number() ? "this one" : kind_of(*node_));
}

const toml::table& Value::table(std::string_view demand) const {
  if (!node_->is_table()) problem("{}, not {}", demand, kind_of(*node_));
  return *node_->as_table();
}

void Value::table(std::string_view demand, std::string name, std::initializer_list<Key> keys) const {
  TableReader(*draft_, table(demand), std::move(name)).read(keys);
}

void Value::each_entry(std::string_view demand,
                       const std::function<void(const toml::key&, const toml::node&)>& read) const {
  for (const auto& [key, value] : in_file_order(table(demand))) read(*key, *value);
}

void Value::each_table(std::size_t most, const std::function<void(const toml::table&)>& read) const {
  const toml::array* array = node_->as_array();
  if (array == nullptr) problem("{} must be an array of tables, not {}", name(), kind_of(*node_));
  if (array->empty()) problem("{} is empty; at least one is needed", name());
  if (array->size() > most) problem("{} has {} entries; at most {}", name(), array->size(), most);
  for (const toml::node& entry : *array) {
    if (!entry.is_table())
      draft_->problems.at(entry.source(), "each entry of {} must be a table, not {}", name(), kind_of(entry));
  }
  for (const toml::node& entry : *array) read(*entry.as_table());
}

Value TableReader::operator[](std::string_view key) const {
  const toml::node* node = table_->get(key);
  return {*draft_, node, node == nullptr ? where() : node->source(), std::string(key), what_};
}

Value TableReader::need(std::string_view key, std::string_view example) const {
  if (!has(key)) problem(key, "{} needs the key '{}', for example {}", what_, key, example);
  return (*this)[key];
}

void TableReader::each(std::string_view key, std::size_t most,
                       const std::function<void(Draft&, const toml::table&)>& read) const {
  if (!has(key)) return;
  (*this)[key].named(std::string(key)).each_table(most, [&](const toml::table& table) {
    read(*draft_, table);
  });
}

void TableReader::only(const std::vector<std::string>& known) const {
  for (const auto& [key, value] : in_file_order(*table_)) {
    if (contains(known, key->str())) continue;
    draft_->problems.at(key->source(), "unknown key {} in {}{}", in_quotes(key->str()), what_,
                        suggestion(key->str(), known));
  }
}

void TableReader::read(std::initializer_list<Key> keys) const {
  only(ids_of(keys));
  for (const Key& key : keys) {
    if (!key.example.empty()) need(key.name, key.example);
  }
  for (const Key& key : keys) {
    if (key.read && has(key.name)) key.read((*this)[key.name]);
  }
}

Read into(std::string& text, bool many_lines) {
  return [&text, many_lines](const Value& value) { text = value.text(many_lines); };
}
Read into(bool& flag) {
  return [&flag](const Value& value) { flag = value.flag(); };
}
Read into_word(std::string& text, std::vector<std::string> known) {
  return [&text, known = std::move(known)](const Value& value) { text = known.at(value.word(known)); };
}
Read into(Nanos& span, Scaling scaling) {
  return [&span, scaling](const Value& value) { span = value.span(scaling); };
}
Read into_positive(Nanos& span, Scaling scaling) {
  return [&span, scaling](const Value& value) {
    span = value.span(scaling);
    if (span == 0) value.problem("{} must be longer than 0ms", value.key());
  };
}

void read_params(const TableReader& file) {
  Draft& draft = file.draft();
  if (const Value params = file["params"]) {
    params.each_entry(
        "params must be a table such as { d = \"100ms\" }", [&](const auto& key, const auto& node) {
          check_id(draft, key, "parameter");
          const Value value(draft, key, node, "parameter");
          if (value.begins('$'))
            value.problem("{} must be a duration; it cannot name another parameter", value.name());
          draft.scenario.params[std::string(key.str())] = value.span(Scaling::fixed);
        });
  }
  apply_options(draft);
  for (auto& [name, value] : draft.scenario.params) value = scaled(draft, value, file["params"].where());
}

}  // namespace lab
