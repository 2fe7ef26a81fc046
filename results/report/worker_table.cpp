#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>

#include "results/report/format.hpp"

namespace lab {

namespace {

using Counts = std::vector<std::int64_t>;

/// More of them have no columns of their own.
constexpr std::size_t kMaxWorkerColumns = 8;

bool has_workers(const ArmReport& arm) {
  return arm.workers > 1 && !arm.splits.empty() && !arm.splits.front().empty();
}

std::string least_to_most(const Counts& counts) {
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  return std::to_string(*least) + (*least < *most ? "–" + std::to_string(*most) : "");
}

TableRow row_of(const ArmReport& arm, std::size_t columns, bool cases) {
  TableRow row{{name_on_engine(arm)}, ""};
  if (cases) row.cells.push_back(arm.case_id);
  const Counts& first = arm.splits.front();
  if (first.size() > kMaxWorkerColumns) {
    row.rest = fmt::format("{} workers, {} each", arm.workers, least_to_most(first));
    return row;
  }
  for (std::size_t worker = 0; worker < columns; ++worker)
    row.cells.push_back(worker < first.size() ? std::to_string(first[worker]) : "");
  Counts busiest;
  for (const Counts& split : arm.splits) busiest.push_back(*std::ranges::max_element(split));
  row.cells.push_back(least_to_most(busiest));
  return row;
}

}  // namespace

Table make_worker_table(const Report& report) {
  Table table;
  std::size_t columns = 0, repetitions = 1;
  for (const ArmReport& arm : report.arms) {
    if (!has_workers(arm)) continue;
    if (arm.splits.front().size() <= kMaxWorkerColumns)
      columns = std::max(columns, arm.splits.front().size());
    repetitions = std::max(repetitions, arm.splits.size());
  }
  const bool cases = several_cases(report.arms);
  table.columns.push_back(
      {ColumnRole::arm, repetitions > 1 ? "requests by worker, first run" : "requests by worker"});
  if (cases) table.columns.push_back({ColumnRole::case_id, "case"});
  for (std::size_t worker = 1; worker <= columns; ++worker)
    table.columns.push_back({ColumnRole::expected, std::to_string(worker), true});
  table.columns.push_back(
      {ColumnRole::note, repetitions > 1 ? fmt::format("busiest ({})", repetitions) : "busiest", true});
  for (const ArmReport& arm : report.arms) {
    if (has_workers(arm)) table.rows.push_back(row_of(arm, columns, cases));
  }
  return table;
}

}  // namespace lab
