#include "lab/core/stat.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>
#include <vector>

#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::array<std::pair<std::string_view, Stat::Quantity>, 12> kQuantities{
    {{"makespan", Stat::Quantity::makespan},
     {"throughput", Stat::Quantity::throughput},
     {"latency", Stat::Quantity::latency},
     {"lag", Stat::Quantity::lag},
     {"unread", Stat::Quantity::unread},
     {"runnable", Stat::Quantity::runnable},
     {"service", Stat::Quantity::service},
     {"reply", Stat::Quantity::reply},
     {"turnaround", Stat::Quantity::turnaround},
     {"value", Stat::Quantity::value},
     {"share", Stat::Quantity::share},
     {"count", Stat::Quantity::count}}};
// Of the server as a whole: whole names, no route, no aggregate.
constexpr std::array<std::pair<std::string_view, Stat::Quantity>, 15> kServerQuantities{
    {{"loop.gap", Stat::Quantity::gap},
     {"loop.utilisation", Stat::Quantity::utilisation},
     {"server.cpu", Stat::Quantity::cpu},
     {"server.memory", Stat::Quantity::memory},
     {"server.memory_each", Stat::Quantity::memory_each},
     {"server.resident", Stat::Quantity::resident},
     {"server.virtual", Stat::Quantity::virtual_memory},
     {"server.threads", Stat::Quantity::threads},
     {"server.switches", Stat::Quantity::switches},
     {"work.done", Stat::Quantity::done},
     {"work.forgotten", Stat::Quantity::forgotten},
     {"work.lost", Stat::Quantity::lost},
     {"work.abandoned", Stat::Quantity::abandoned},
     {"work.cancelled", Stat::Quantity::cancelled},
     {"switch.time", Stat::Quantity::switch_time}}};
constexpr std::array<std::pair<std::string_view, Stat::Aggregate>, 7> kAggregates{
    {{"min", Stat::Aggregate::min},
     {"mean", Stat::Aggregate::mean},
     {"median", Stat::Aggregate::median},
     {"p90", Stat::Aggregate::p90},
     {"p95", Stat::Aggregate::p95},
     {"p99", Stat::Aggregate::p99},
     {"max", Stat::Aggregate::max}}};

template <class Table>
std::vector<std::string> names(const Table& table) {
  std::vector<std::string> result;
  for (const auto& entry : table) result.emplace_back(entry.first);
  return result;
}

template <class Table>
auto find(const Table& table, std::string_view word) {
  return std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.first == word; });
}

template <class Table, class Value>
std::string_view name_of(const Table& table, Value value) {
  return std::find_if(table.begin(), table.end(), [&](const auto& entry) { return entry.second == value; })
      ->first;
}

bool needs_aggregate(Stat::Quantity quantity) {
  return quantity >= Stat::Quantity::latency && quantity <= Stat::Quantity::value;
}

Result<void> read_filter(std::string_view inside, std::string_view text, Stat& stat) {
  constexpr std::string_view kStatus = "status=";
  if (inside == "error") {
    stat.errors = true;
    return {};
  }
  if (inside.starts_with(kStatus)) {
    const std::string_view digits = inside.substr(kStatus.size());
    int status = 0;
    const auto [end, problem] = std::from_chars(digits.data(), digits.data() + digits.size(), status);
    if (problem == std::errc() && end == digits.data() + digits.size() && status >= 100 && status <= 599) {
      stat.status = status;
      return {};
    }
  }
  return usage_error("stat '{}': '{}' is no filter; write (status=404) or (error)", text, inside);
}

}  // namespace

Result<Stat> parse_stat(std::string_view text) {
  Stat stat;
  if (const auto whole = find(kServerQuantities, text); whole != kServerQuantities.end()) {
    stat.quantity = whole->second;
    return stat;
  }
  for (const char* family : {"loop.", "server.", "work.", "switch."}) {
    const bool aggregated = find(kAggregates, text.substr(text.rfind('.') + 1)) != kAggregates.end();
    if (text.starts_with(family) && !aggregated) {
      return usage_error("unknown stat '{}'{}", text, suggestion(text, names(kServerQuantities)));
    }
  }
  std::string_view rest = text;
  const std::size_t open = rest.find('(');
  if (open != std::string_view::npos) {
    if (rest.back() != ')') return usage_error("stat '{}': the ')' is missing", text);
    const auto filter = read_filter(rest.substr(open + 1, rest.size() - open - 2), text, stat);
    if (!filter) return filter.error();
    rest = rest.substr(0, open);
  }
  std::vector<std::string> words = split(rest, '.');
  const auto last = find(kAggregates, words.back());
  if (last != kAggregates.end()) {
    stat.aggregate = last->second;
    words.pop_back();
  }
  if (words.empty())
    return usage_error("stat '{}' names no quantity; write for example ping.latency.max", text);
  const auto quantity = find(kQuantities, words.back());
  if (quantity == kQuantities.end()) {
    return usage_error("stat '{}': unknown quantity '{}'{}", text, words.back(),
                       suggestion(words.back(), names(kQuantities)));
  }
  stat.quantity = quantity->second;
  words.pop_back();
  if (words.size() > 1)
    return usage_error("stat '{}' has too many parts; write ROUTE.QUANTITY.AGGREGATE", text);
  if (!words.empty()) {
    stat.route = words.front();
    if (stat.route.empty()) return usage_error("stat '{}': the route before the '.' is missing", text);
  }
  if (needs_aggregate(stat.quantity) && stat.aggregate == Stat::Aggregate::none) {
    return usage_error("stat '{0}' needs an aggregate: {0}.max, one of {1}", text,
                       join(names(kAggregates), ", "));
  }
  if (!needs_aggregate(stat.quantity) && stat.aggregate != Stat::Aggregate::none) {
    return usage_error("stat '{}': {} takes no aggregate", text, name_of(kQuantities, stat.quantity));
  }
  const bool filters = stat.status.has_value() || stat.errors;
  const bool wants_filter = stat.quantity == Stat::Quantity::share || stat.quantity == Stat::Quantity::count;
  if (filters && !wants_filter) {
    return usage_error("stat '{}': only share and count take a filter", text);
  }
  if (!filters && stat.quantity == Stat::Quantity::share) {
    return usage_error("stat '{}' needs a filter: share(status=404) or share(error)", text);
  }
  return stat;
}

std::string to_string(const Stat& stat) {
  if (stat.of_server()) return std::string(name_of(kServerQuantities, stat.quantity));
  std::string text = stat.route.empty() ? "" : stat.route + ".";
  text += name_of(kQuantities, stat.quantity);
  if (stat.status) text += fmt::format("(status={})", *stat.status);
  if (stat.errors) text += "(error)";
  if (stat.aggregate != Stat::Aggregate::none)
    text += fmt::format(".{}", name_of(kAggregates, stat.aggregate));
  return text;
}

}  // namespace lab
