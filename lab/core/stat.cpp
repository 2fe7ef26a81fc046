#include "lab/core/stat.hpp"

#include <algorithm>
#include <array>
#include <span>
#include <vector>

#include "lab/core/text.hpp"

namespace lab {

namespace {

// In the order of Stat::Quantity; those of the server as a whole are whole names, with no route and no
// aggregate.
constexpr std::array<std::string_view, 27> kQuantities{"makespan",
                                                       "throughput",
                                                       "latency",
                                                       "lag",
                                                       "unread",
                                                       "runnable",
                                                       "service",
                                                       "reply",
                                                       "turnaround",
                                                       "value",
                                                       "share",
                                                       "count",
                                                       "loop.gap",
                                                       "loop.utilisation",
                                                       "server.cpu",
                                                       "server.memory",
                                                       "server.memory_each",
                                                       "server.resident",
                                                       "server.virtual",
                                                       "server.threads",
                                                       "server.switches",
                                                       "work.done",
                                                       "work.forgotten",
                                                       "work.lost",
                                                       "work.abandoned",
                                                       "work.cancelled",
                                                       "switch.time"};
constexpr auto kServerQuantities = static_cast<std::size_t>(Stat::Quantity::gap);
// In the order of Stat::Aggregate, without `none`.
constexpr std::array<std::string_view, 7> kAggregates{"min", "mean", "median", "p90", "p95", "p99", "max"};

using Names = std::span<const std::string_view>;
constexpr Names kOfRequests = Names(kQuantities).first(kServerQuantities);
constexpr Names kOfServer = Names(kQuantities).subspan(kServerQuantities);

std::vector<std::string> list_of(Names names) {
  return {names.begin(), names.end()};
}

/// The word's place; none where it is not there.
std::optional<std::size_t> index_of(Names names, std::string_view word) {
  const auto found = std::ranges::find(names, word);
  return found == names.end() ? std::nullopt : std::optional<std::size_t>(found - names.begin());
}

std::string_view name_of(Stat::Quantity quantity) {
  return kQuantities.at(static_cast<std::size_t>(quantity));
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
    stat.status = number_in<int>(inside.substr(kStatus.size()));
    if (stat.status && *stat.status >= 100 && *stat.status <= 599) return {};
  }
  return usage_error("stat '{}': '{}' is not a filter; write (status=404) or (error)", text, inside);
}

}  // namespace

Result<Stat> parse_stat(std::string_view text) {
  Stat stat;
  if (const auto whole = index_of(kOfServer, text)) {
    stat.quantity = static_cast<Stat::Quantity>(kServerQuantities + *whole);
    return stat;
  }
  for (const char* family : {"loop.", "server.", "work.", "switch."}) {
    const bool aggregated = index_of(kAggregates, text.substr(text.rfind('.') + 1)).has_value();
    if (text.starts_with(family) && !aggregated)
      return usage_error("unknown stat '{}'{}", text, suggestion(text, list_of(kOfServer)));
  }
  std::string_view rest = text;
  const std::size_t open = rest.find('(');
  if (open != std::string_view::npos) {
    if (rest.back() != ')') return usage_error("stat '{}': the ')' is missing", text);
    LAB_CHECK(read_filter(rest.substr(open + 1, rest.size() - open - 2), text, stat));
    rest = rest.substr(0, open);
  }
  std::vector<std::string> words = split(rest, '.');
  if (const auto aggregate = index_of(kAggregates, words.back())) {
    stat.aggregate = static_cast<Stat::Aggregate>(*aggregate + 1);
    words.pop_back();
  }
  if (words.empty())
    return usage_error("stat '{}' names no quantity; write ping.latency.max, for example", text);
  const auto quantity = index_of(kOfRequests, words.back());
  if (!quantity) {
    return usage_error("stat '{}': unknown quantity '{}'{}", text, words.back(),
                       suggestion(words.back(), list_of(kOfRequests)));
  }
  stat.quantity = static_cast<Stat::Quantity>(*quantity);
  words.pop_back();
  if (words.size() > 1)
    return usage_error("stat '{}' has too many parts; write ROUTE.QUANTITY.AGGREGATE", text);
  if (!words.empty()) {
    stat.route = words.front();
    if (stat.route.empty()) return usage_error("stat '{}': the route before the '.' is missing", text);
  }
  if (needs_aggregate(stat.quantity) && stat.aggregate == Stat::Aggregate::none) {
    return usage_error("stat '{0}' needs an aggregate: {0}.max, one of {1}", text,
                       fmt::join(kAggregates, ", "));
  }
  if (!needs_aggregate(stat.quantity) && stat.aggregate != Stat::Aggregate::none) {
    return usage_error("stat '{}': {} takes no aggregate", text, name_of(stat.quantity));
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
  if (stat.of_server()) return std::string(name_of(stat.quantity));
  std::string text = stat.route.empty() ? "" : stat.route + ".";
  text += name_of(stat.quantity);
  if (stat.status) text += fmt::format("(status={})", *stat.status);
  if (stat.errors) text += "(error)";
  if (stat.aggregate != Stat::Aggregate::none)
    text += fmt::format(".{}", kAggregates.at(static_cast<std::size_t>(stat.aggregate) - 1));
  return text;
}

}  // namespace lab
