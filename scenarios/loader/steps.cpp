#include "scenarios/loader/steps.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cmath>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <vector>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"

namespace lab {

namespace {

using Action = decltype(Step::action);

/// A step while it is read.
struct StepText {
  PlanReader& plans;
  const TableReader& table;
  const std::string& number;
  Inside inside;
  int depth;

  Draft& draft() const { return plans.draft(); }
  /// The steps under `key`, which run where `where` says.
  Plan nested(std::string_view key, Inside where) const;
};

/// One kind of step: its keyword, the keys that only it understands, and how its table is read.
struct StepKind {
  std::string_view keyword;
  std::vector<std::string> own_keys;
  Action (*read)(const StepText& step);
  Inside deepest = Inside::thread;  ///< where it may still stand
  bool can_block = false;           ///< `blocking = true` means something
};

Plan StepText::nested(std::string_view key, Inside where) const {
  const toml::node* node = table.need(key, fmt::format("{} = [{{ wait = \"100ms\" }}]", key));
  if (node == nullptr) return {};
  Plan plan = plans.read(*node, number, std::max(where, inside), depth + 1);
  if (plan.empty() && !draft().problems.any()) {
    table.problem(key, fmt::format("{} of {} is empty; it needs at least one step", key, table.what()));
  }
  return plan;
}

constexpr std::int64_t kMaxSums = 1'000'000'000'000;
constexpr std::int64_t kMaxSwitches = 1'000'000'000;

Action read_wait(const StepText& step) {
  return Wait{read_duration(step.draft(), step.table, "wait", Scaling::scaled, 0),
              step.table.flag("connection", false)};
}

template <Work work>
Action read_work(const StepText& step) {
  return Compute{read_duration(step.draft(), step.table, to_string(work), Scaling::scaled, 0), work};
}

Action read_sums(const StepText& step) {
  const std::int64_t count = step.table.integer("sqrt_sum", 1, kMaxSums, 1);
  const double scaled = static_cast<double>(count) * step.draft().overrides.scale;
  return Compute{0, Work::sqrt_sum, std::llround(std::clamp(scaled, 1.0, static_cast<double>(kMaxSums)))};
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
  const toml::table* table =
      read_table(step.draft().problems, *step.table.find("switch"),
                 fmt::format("switch of {} must be a table such as {{ n = 100000, between = \"threads\" }}",
                             step.table.what()));
  if (table == nullptr) return Compute{};
  const TableReader reader(step.draft().problems, *table, "switch of " + step.table.what(), {"n", "between"});
  reader.need("n", "n = 100000");
  const toml::node* between = reader.need("between", "between = \"threads\"");
  if (step.draft().problems.any()) return Compute{};
  constexpr std::array<Work, 3> kKinds{Work::coroutine_switch, Work::thread_switch, Work::process_switch};
  const std::size_t kind =
      read_known(step.draft(), *between, "between", {"coroutines", "threads", "processes"});
  return Compute{0, kKinds.at(kind), reader.integer("n", 1, kMaxSwitches, 1)};
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

constexpr std::int64_t kMaxBranches = 1'000;

Action read_repeat(const StepText& step) {
  Repeat repeat;
  repeat.times = step.table.integer("repeat", 1, kMaxExecuted, 1);
  repeat.steps = step.nested("steps", Inside::loop);
  return repeat;
}

/// `gather = 10, steps = […]`: the same plan ten times.
Gather read_same_branches(const StepText& step) {
  const std::int64_t times = step.table.integer("gather", 1, kMaxBranches, 1);
  const std::size_t first = step.plans.places();
  const Plan plan = step.nested("steps", Inside::loop);
  if (step.draft().problems.any()) return {};
  return Gather{step.plans.copies(plan, times, first, step.table.table().source())};
}

Action read_gather(const StepText& step) {
  const toml::node& node = *step.table.find("gather");
  if (node.is_integer()) return read_same_branches(step);
  const toml::array* branches = node.as_array();
  if (branches == nullptr || branches->empty()) {
    step.table.problem("gather",
                       fmt::format("gather of {} must be an array of step lists such as "
                                   "[[{{ wait = \"1s\" }}], [{{ wait = \"2s\" }}]], or a number with "
                                   "steps, not {}",
                                   step.table.what(), branches == nullptr ? kind_of(node) : "empty"));
    return Gather{};
  }
  if (step.table.has("steps")) {
    step.table.problem("steps", "steps belongs to gather = NUMBER; here the lists in gather are the steps");
    return Gather{};
  }
  Gather gather;
  for (const toml::node& branch : *branches) {
    const std::string number = fmt::format("{}.{}", step.number, gather.branches.size() + 1);
    gather.branches.push_back(step.plans.read(branch, number, Inside::loop, step.depth + 1));
    if (step.draft().problems.any()) break;
  }
  return gather;
}

Action read_pooled(const StepText& step) {
  return Pooled{step.nested("pooled", Inside::thread)};
}

Action read_forget(const StepText& step) {
  return Forget{step.nested("forget", Inside::loop)};
}

Action read_background(const StepText& step) {
  return Background{step.nested("background", Inside::loop)};
}

Action read_enqueue(const StepText& step) {
  Enqueue enqueue;
  enqueue.queue = read_id(step.draft(), *step.table.find("enqueue"), "queue");
  enqueue.steps = step.nested("steps", Inside::thread);
  return enqueue;
}

Action read_result(const StepText& step) {
  return FetchResult{read_id(step.draft(), *step.table.find("result"), "queue")};
}

const std::vector<StepKind>& step_kinds() {
  static const std::vector<StepKind> kKinds{
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
      {"repeat", {"steps"}, read_repeat},
      {"gather", {"steps"}, read_gather, Inside::loop},
      {"pooled", {}, read_pooled, Inside::loop},
      {"forget", {}, read_forget, Inside::loop},
      {"background", {}, read_background, Inside::handler},
      {"enqueue", {"steps"}, read_enqueue, Inside::handler},
      {"result", {}, read_result, Inside::handler},
  };
  return kKinds;
}

std::vector<std::string> keywords() {
  std::vector<std::string> words;
  for (const StepKind& kind : step_kinds()) words.emplace_back(kind.keyword);
  return words;
}

/// What a step does is the one keyword among its keys; null after a problem.
const StepKind* find_kind(Draft& draft, const toml::table& table, const std::string& what) {
  const StepKind* found = nullptr;
  for (const StepKind& kind : step_kinds()) {
    if (!table.contains(kind.keyword)) continue;
    if (found != nullptr) {
      draft.problems.at(table.source(), fmt::format("{} both '{}' and '{}'; write one step each", what,
                                                    found->keyword, kind.keyword));
      return nullptr;
    }
    found = &kind;
  }
  if (found != nullptr) return found;
  for (const auto& [key, value] : in_file_order(table)) {
    if (key->str() == "blocking") continue;
    draft.problems.at(key->source(), fmt::format("unknown step {} in {}{}", in_quotes(key->str()), what,
                                                 suggestion(key->str(), keywords())));
    return nullptr;
  }
  draft.problems.at(table.source(),
                    fmt::format("{} does nothing; write one of {}", what, join(keywords(), ", ")));
  return nullptr;
}

void check_place(Draft& draft, const StepKind& kind, Inside inside, const TableReader& step) {
  if (inside <= kind.deepest) return;
  const std::string_view why =
      kind.deepest == Inside::handler
          ? "it belongs to the handler itself; write it directly into the route's steps"
          : "it needs the loop, and a function in a pool or a job of a queue is not on "
            "it; put it outside";
  draft.problems.at(step.where(kind.keyword),
                    fmt::format("{}: '{}' cannot stand here: {}", step.what(), kind.keyword, why));
}

}  // namespace

std::string PlanReader::naming(const std::string& number) const {
  return number.empty() ? owner_ : fmt::format("step {} of {}", number, owner_);
}

bool PlanReader::too_many(std::int64_t more, const toml::source_region& where) {
  if (static_cast<std::int64_t>(places_->size()) + more <= static_cast<std::int64_t>(kMaxSteps)) return false;
  draft_->problems.at(where, fmt::format("{} has more than {} steps, nested ones counted; repeat = 100 does "
                                         "the same steps many times",
                                         owner_, grouped(kMaxSteps)));
  return true;
}

Step PlanReader::read_step(const toml::table& table, const std::string& number, Inside inside, int depth) {
  Step step;
  const std::string what = naming(number);
  const StepKind* kind = find_kind(*draft_, table, what);
  if (kind == nullptr) return step;
  std::vector<std::string> known{std::string(kind->keyword), "blocking"};
  known.insert(known.end(), kind->own_keys.begin(), kind->own_keys.end());
  const TableReader reader(draft_->problems, table, what, known);
  check_place(*draft_, *kind, inside, reader);
  if (draft_->problems.any() || too_many(1, table.source())) return step;
  places_->push_back(table.source());
  step.action = kind->read({*this, reader, number, inside, depth});
  step.blocking = reader.flag("blocking", false);
  if (step.blocking && (!kind->can_block || inside == Inside::thread)) {
    reader.problem("blocking", fmt::format("blocking changes nothing in {}: {}", what,
                                           kind->can_block ? "whatever runs in a thread blocks that thread"
                                                           : "write it into the steps that wait or compute"));
  }
  return step;
}

Plan PlanReader::read(const toml::node& node, const std::string& number, Inside inside, int depth) {
  Plan plan;
  const std::string what = naming(number);
  const toml::array* steps = node.as_array();
  if (steps == nullptr) {
    draft_->problems.at(node.source(),
                        fmt::format("steps of {} must be an array such as [{{ wait = \"100ms\" }}], not {}",
                                    what, kind_of(node)));
    return plan;
  }
  if (depth > kMaxDepth) {
    draft_->problems.at(node.source(), fmt::format("{} is nested more than {} levels deep", what, kMaxDepth));
    return plan;
  }
  if (steps->size() > kMaxSteps) {
    draft_->problems.at(node.source(),
                        fmt::format("{} has {} steps; at most {}", what,
                                    grouped(static_cast<std::int64_t>(steps->size())), grouped(kMaxSteps)));
    return plan;
  }
  for (const toml::node& entry : *steps) {
    const toml::table* table =
        read_table(draft_->problems, entry,
                   fmt::format("each step of {} must be a table such as {{ wait = \"100ms\" }}", what));
    if (table == nullptr) break;
    const std::string prefix = number.empty() ? "" : number + ".";
    plan.push_back(read_step(*table, fmt::format("{}{}", prefix, plan.size() + 1), inside, depth));
    if (draft_->problems.any()) break;
  }
  if (unhindered_time(plan) > kLongestSpan)
    draft_->problems.at(node.source(), fmt::format("the steps of {} take more than ten years", what));
  return plan;
}

std::vector<Plan> PlanReader::copies(const Plan& plan, std::int64_t times, std::size_t first_place,
                                     const toml::source_region& where) {
  const std::size_t end = places_->size();
  const auto size = static_cast<std::int64_t>(end - first_place);
  if (too_many(size * (times - 1), where)) return {};
  for (std::int64_t i = 1; i < times; ++i) {
    for (std::size_t at = first_place; at < end; ++at) {
      const toml::source_region place = (*places_)[at];
      places_->push_back(place);
    }
  }
  return std::vector<Plan>(static_cast<std::size_t>(times), plan);
}

}  // namespace lab
