#include <fmt/format.h>

#include <algorithm>

#include "scenarios/draft.hpp"

namespace lab {

namespace {

/// Virtual time is counted in nanoseconds and ends after 292 years.
constexpr double kMostWork = 250.0 * 365 * 86'400 * 1e9;

std::vector<Load> read_loads(Draft& draft, const toml::node& node, std::string_view what) {
  std::vector<Load> loads;
  for (const toml::table* table : read_tables(draft.problems, node, what, kMostEntries)) {
    loads.push_back(read_load(draft, *table, loads.empty()));
    if (draft.problems.any()) break;
  }
  return loads;
}

/// A case as a whole: what no single load can know.
void check_case(Draft& draft, const Case& load_set, const toml::source_region& where) {
  if (draft.problems.any()) return;
  if (load_set.requests() > kMostRequests) {
    draft.problems.at(where, fmt::format("the loads of case '{}' send {} requests; at most {} together",
                                         load_set.id, grouped(load_set.requests()), grouped(kMostRequests)));
  }
  double work = 0;
  for (const Load& load : load_set.loads) {
    const Nanos each = unhindered_time(draft.scenario.routes.at(load.route).plan);
    work += static_cast<double>(each) * static_cast<double>(load.requests);
  }
  if (work > kMostWork) {
    draft.problems.at(
        where,
        fmt::format("the requests of case '{}' take more than 250 years one after another", load_set.id));
  }
}

void read_case(Draft& draft, const toml::table& table) {
  const TableReader reader(draft.problems, table, "case", {"id", "load"});
  Case load_set;
  if (const toml::node* id = reader.need("id", "id = \"main\"")) {
    load_set.id = read_id(draft, *id, "case");
    const std::vector<std::string> taken = ids_of(draft.scenario.cases);
    if (std::find(taken.begin(), taken.end(), load_set.id) != taken.end()) {
      draft.problems.at(id->source(), fmt::format("there is already a case '{}'", load_set.id));
    }
  }
  const toml::node* load =
      reader.need("load", "load = [{ route = \"slow\", arrivals = \"burst\", requests = 1 }]");
  if (draft.problems.any()) return;
  load_set.loads = read_loads(draft, *load, fmt::format("load of case '{}'", load_set.id));
  check_case(draft, load_set, table.source());
  draft.scenario.cases.push_back(load_set);
}

}  // namespace

void read_cases(Draft& draft, const TableReader& file) {
  const toml::node* load = file.find("load");
  const toml::node* cases = file.find("cases");
  if (load != nullptr && cases != nullptr) {
    file.problem("cases", "both [[load]] and [[cases]] are given; put the loads into the cases");
    return;
  }
  if (cases != nullptr) {
    for (const toml::table* table : read_tables(draft.problems, *cases, "cases", kMostEntries)) {
      read_case(draft, *table);
      if (draft.problems.any()) return;
    }
    return;
  }
  if (file.need("load", "[[load]], or several load sets as [[cases]]") == nullptr) return;
  Case main;
  main.id = "main";
  main.loads = read_loads(draft, *load, "load");
  check_case(draft, main, load->source());
  draft.scenario.cases.push_back(main);
}

}  // namespace lab
