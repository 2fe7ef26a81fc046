#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "lab/core/duration.hpp"
#include "scenarios/loader/steps.hpp"

namespace lab {

namespace {

constexpr std::int64_t kMostSums = 1'000'000'000'000;
constexpr std::int64_t kMostSwitches = 1'000'000'000;

Action read_wait(const StepText& step) {
  return Wait{read_duration(step.draft(), step.table, "wait", Scaling::scaled, 0),
              step.table.flag("connection", false)};
}

template <Work work>
Action read_work(const StepText& step) {
  return Compute{read_duration(step.draft(), step.table, to_string(work), Scaling::scaled, 0), work};
}

Action read_sums(const StepText& step) {
  const std::int64_t count = step.table.integer("sqrt_sum", 1, kMostSums, 1);
  const double scaled = static_cast<double>(count) * step.draft().overrides.scale;
  return Compute{0, Work::sqrt_sum, std::llround(std::clamp(scaled, 1.0, static_cast<double>(kMostSums)))};
}

/// A file that is there and can be read to its end; its size is the work.
void read_file_of(const StepText& step, const toml::node& node, Compute& read) {
  namespace fs = std::filesystem;
  read.file = read_text(step.draft().problems, node, "read");
  if (step.draft().problems.any()) return;
  if (!read.file.starts_with('/')) {
    step.draft().problems.at(
        node.source(), fmt::format("read {}: write the whole path of a file, such as \"/data/large.csv\", "
                                   "or a size such as \"64MB\"",
                                   in_quotes(read.file)));
    return;
  }
  std::error_code error;
  const std::uintmax_t size = fs::file_size(read.file, error);
  if (!error && !fs::is_regular_file(read.file, error) && !error)
    error = std::make_error_code(std::errc::not_supported);
  if (error || size == 0) {
    step.draft().problems.at(
        node.source(),
        fmt::format("read {}: {}; name a file, or a size such as \"64MB\" and the lab makes one",
                    in_quotes(read.file), error ? error.message() : "the file is empty"));
    return;
  }
  if (read.units == 0) read.units = static_cast<std::int64_t>(size);
  if (read.units > static_cast<std::int64_t>(size)) {
    step.draft().problems.at(node.source(),
                             fmt::format("read {}: the file has only {} bytes", in_quotes(read.file),
                                         grouped(static_cast<std::int64_t>(size))));
  }
}

Action read_read(const StepText& step) {
  Compute read{0, Work::file_read};
  const toml::node& node = *step.table.find("read");
  if (const toml::table* table = node.as_table()) {
    const TableReader inner(step.draft().problems, *table, "read of " + step.table.what(), {"file", "bytes"});
    if (const toml::node* bytes = inner.find("bytes")) read.units = read_size(step.draft(), *bytes, "bytes");
    const toml::node* file = inner.find("file");
    if (file != nullptr && !step.draft().problems.any()) read_file_of(step, *file, read);
    if (file == nullptr && !inner.has("bytes")) inner.need("bytes", "bytes = \"64MB\"");
    return read;
  }
  const auto text = node.value<std::string_view>();
  if (text && text->starts_with('/')) {
    read_file_of(step, node, read);
  } else {
    read.units =
        read_size(step.draft(), node, "read (a size such as \"64MB\", or a file such as \"/data/a\")");
  }
  return read;
}

Action read_switch(const StepText& step) {
  const toml::node& node = *step.table.find("switch");
  const toml::table* table = node.as_table();
  if (table == nullptr) {
    step.table.problem("switch", fmt::format("switch of {} must be a table such as {{ n = 100000, between = "
                                             "\"threads\" }}, not {}",
                                             step.table.what(), kind_of(node)));
    return Compute{};
  }
  const TableReader reader(step.draft().problems, *table, "switch of " + step.table.what(), {"n", "between"});
  reader.need("n", "n = 100000");
  const toml::node* between = reader.need("between", "between = \"threads\"");
  if (step.draft().problems.any()) return Compute{};
  constexpr std::array<Work, 3> kKinds{Work::coroutine_switch, Work::thread_switch, Work::process_switch};
  const std::size_t kind =
      read_known(step.draft(), *between, "between", {"coroutines", "threads", "processes"});
  return Compute{0, kKinds.at(kind), reader.integer("n", 1, kMostSwitches, 1)};
}

Action read_call(const StepText& step) {
  CallUpstream call{read_duration(step.draft(), step.table, "call", Scaling::scaled, 0)};
  if (const toml::node* connection = step.table.find("connection"))
    call.keep_connection = read_known(step.draft(), *connection, "connection", {"kept", "new"}) == 0;
  return call;
}

Action read_query(const StepText& step) {
  const toml::node& node = *step.table.find("query");
  const auto text = node.value<std::string_view>().value_or("");
  const bool is_sql = text.find(' ') != std::string_view::npos && !parse_duration(text);
  if (!is_sql) {
    if (step.table.has("takes"))
      step.table.problem("takes", "takes belongs to a query in SQL; this one says how long it takes already");
    return Query{read_duration(step.draft(), node, "query (a duration, or SQL with takes = \"100ms\")",
                               Scaling::scaled)};
  }
  Query query;
  query.sql = read_text(step.draft().problems, node, "query");
  step.table.need("takes", "takes = \"100ms\" (how long the database works on it)");
  query.duration = read_duration(step.draft(), step.table, "takes", Scaling::scaled, 0);
  return query;
}

/// `yield = true`: a step without anything to say.
template <class Marker>
Action read_marker(const StepText& step) {
  constexpr std::string_view kWord = std::is_same_v<Marker, Increment> ? "increment"
                                     : std::is_same_v<Marker, Yield>   ? "yield"
                                                                       : "ready";
  if (!step.table.flag(kWord, false) && !step.draft().problems.any()) {
    step.table.problem(kWord,
                       fmt::format("{0} = false does nothing; write {0} = true or leave it out", kWord));
  }
  return Marker{};
}

}  // namespace

std::span<const StepKind> leaf_steps() {
  static const std::array<StepKind, 12> kKinds{{
      {"wait", {"connection"}, read_wait, Inside::thread, true},
      {"cpu", {}, read_work<Work::spin>, Inside::thread, true},
      {"sqrt_sum", {}, read_sums, Inside::thread, true},
      {"qrcode", {}, read_work<Work::qr_code>, Inside::thread, true},
      {"infer", {}, read_work<Work::inference>, Inside::thread, true},
      {"read", {}, read_read, Inside::thread, true},
      {"switch", {}, read_switch, Inside::thread, true},
      {"call", {"connection"}, read_call, Inside::thread, true},
      {"query", {"takes"}, read_query, Inside::thread, true},
      {"increment", {}, read_marker<Increment>},
      {"yield", {}, read_marker<Yield>, Inside::loop},
      {"ready", {}, read_marker<Ready>, Inside::loop},
  }};
  return kKinds;
}

}  // namespace lab
