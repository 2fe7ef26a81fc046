#include <fmt/format.h>

#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

/// Virtual time is counted in nanoseconds and ends after 292 years.
constexpr double kMaxWork = 250.0 * 365 * 86'400 * 1e9;

std::vector<Load> read_loads(Draft& draft, const toml::node& node, std::string_view what) {
  std::vector<Load> loads;
  for_each_table(draft.problems, node, what, kMaxEntries,
                 [&](const toml::table& table) { loads.push_back(read_load(draft, table, loads.empty())); });
  return loads;
}

/// A case as a whole: what no single load can know.
void check_case(Draft& draft, const Case& load_case, const toml::source_region& where) {
  if (draft.problems.any()) return;
  if (load_case.requests() > kMostRequests) {
    draft.problems.at(
        where, fmt::format("the loads of case '{}' send {} requests; at most {} together", load_case.id,
                           grouped(load_case.requests()), grouped(kMostRequests)));
  }
  double work = 0;
  for (const Load& load : load_case.loads) {
    const Route& route = draft.scenario.routes.at(load.route);
    double each = static_cast<double>(unhindered_time(route.plan));
    for (const Dependency& dependency : route.depends)
      each += static_cast<double>(unhindered_time(dependency.steps));
    work += each * static_cast<double>(load.requests);
  }
  if (work > kMaxWork) {
    draft.problems.at(
        where,
        fmt::format("the requests of case '{}' take more than 250 years one after another", load_case.id));
  }
}

void read_case(Draft& draft, const toml::table& table) {
  const TableReader reader(draft.problems, table, "case", {"id", "load", "kill"});
  Case load_case;
  if (const toml::node* id = reader.need("id", "id = \"main\"")) {
    load_case.id = read_id(draft, *id, "case");
    if (contains(ids_of(draft.scenario.cases), load_case.id))
      draft.problems.at(id->source(), fmt::format("there is already a case '{}'", load_case.id));
  }
  const toml::node* load =
      reader.need("load", "load = [{ route = \"slow\", arrivals = \"burst\", requests = 1 }]");
  if (draft.problems.any()) return;
  load_case.loads = read_loads(draft, *load, fmt::format("load of case '{}'", load_case.id));
  load_case.kills = read_kills(draft, reader.find("kill"), fmt::format("kill of case '{}'", load_case.id));
  check_case(draft, load_case, table.source());
  draft.scenario.cases.push_back(load_case);
}

}  // namespace

std::vector<Kill> read_kills(Draft& draft, const toml::node* node, std::string_view what) {
  std::vector<Kill> kills;
  std::vector<toml::source_region>& places = draft.kill_places.emplace_back();
  if (node == nullptr) return kills;
  for_each_table(draft.problems, *node, what, kMaxEntries, [&](const toml::table& table) {
    const TableReader reader(draft.problems, table, std::string(what), {"worker", "at"});
    reader.need("worker", "worker = 0");
    reader.need("at", "at = \"150ms\"");
    Kill kill;
    kill.worker = static_cast<int>(reader.integer("worker", 0, kMaxWorkers - 1, 0));
    kill.at = read_duration(draft, reader, "at", Scaling::scaled, 0);
    places.push_back(table.source());
    kills.push_back(kill);
  });
  return kills;
}

void read_cases(Draft& draft, const TableReader& file) {
  const toml::node* load = file.find("load");
  const toml::node* cases = file.find("cases");
  if (load != nullptr && cases != nullptr) {
    file.problem("cases", "both [[load]] and [[cases]] are given; put the loads into the cases");
    return;
  }
  if (cases != nullptr && file.has("kill")) {
    file.problem("kill",
                 "[[kill]] stands beside [[load]]; in a case write kill = [{ worker = 0, at = \"150ms\" }]");
    return;
  }
  if (cases != nullptr) {
    for_each_table(draft.problems, *cases, "cases", kMaxEntries,
                   [&](const toml::table& table) { read_case(draft, table); });
    return;
  }
  if (file.need("load", "[[load]], or several load sets as [[cases]]") == nullptr) return;
  Case main;
  main.id = "main";
  main.loads = read_loads(draft, *load, "load");
  main.kills = read_kills(draft, file.find("kill"), "kill");
  check_case(draft, main, load->source());
  draft.scenario.cases.push_back(main);
}

}  // namespace lab
