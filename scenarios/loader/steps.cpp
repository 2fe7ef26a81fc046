// Routes, and the steps of their handlers, whatever these are nested in.

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

namespace {

using Action = decltype(Step::action);

constexpr std::size_t kMaxSteps = 1'000;
constexpr int kMaxDepth = 16;                   // of steps within steps
constexpr std::int64_t kMaxExecuted = 200'000;  // steps of one request, repetitions counted
constexpr std::int64_t kMaxSums = 1'000'000'000'000;
constexpr std::int64_t kMaxSwitches = 1'000'000'000;
constexpr std::int64_t kMaxBranches = 1'000;
constexpr std::size_t kLongestPath = 200;
constexpr std::string_view kRequestRule = "write a method and a path, such as \"GET /slow\"";

/// Who executes a list of steps, and so what may stand in it. Each allows less than the one before.
enum class Inside : std::uint8_t {
  handler,  ///< the route's own steps: everything
  loop,     ///< a part of them that still runs where the handler runs
  thread,   ///< a function in a pool, a job of a queue: only what can block, and repeat
};

/// Where a list of steps stands. `number` is that of the step that holds it, as messages write it: `2.1`;
/// empty for the route's own.
struct Place {
  std::string number;
  Inside inside = Inside::handler;
  int depth = 1;
};

/// Reads the steps of one route and notes where each of them stands in the file, in the order of
/// for_each_step.
class PlanReader {
 public:
  /// `owner` names the route in messages: `route 'slow'`.
  PlanReader(Draft& draft, std::string owner)
      : draft_(draft), owner_(std::move(owner)), places_(draft.step_places.emplace_back()) {}

  Plan read(const toml::node& node, const Place& place);
  /// The same steps `times` times side by side.
  std::vector<Plan> copies(const Plan& plan, std::int64_t times, std::size_t first_place,
                           const toml::source_region& where);
  std::size_t places() const { return places_.size(); }

 private:
  Step read_step(const toml::table& table, const Place& place);
  std::string naming(const std::string& number) const {
    return number.empty() ? owner_ : fmt::format("step {} of {}", number, owner_);
  }
  void check_room(std::int64_t more, const toml::source_region& where);

  Draft& draft_;
  std::string owner_;
  std::vector<toml::source_region>& places_;
};

/// A step while it is read: its table, and the value of the keyword that says its kind.
struct StepText {
  PlanReader& plans;
  const TableReader& table;
  const Value value;
  const Place& place;

  Draft& draft() const { return table.draft(); }
  Nanos span() const { return value.span(Scaling::scaled); }
  /// The steps under `key`, which run where `where` says.
  Plan nested(std::string_view key, Inside where) const {
    const Value steps = table.need(key, fmt::format("{} = [{{ wait = \"100ms\" }}]", key));
    Plan plan = plans.read(*steps, {place.number, std::max(where, place.inside), place.depth + 1});
    if (plan.empty()) steps.problem("{} of {} is empty; it needs at least one step", key, table.what());
    return plan;
  }
};

/// One kind of step: its keyword, the keys that only it understands, and how its table is read.
struct StepKind {
  std::string_view keyword;
  std::vector<std::string> own_keys;
  Action (*read)(const StepText& step);
  Inside deepest = Inside::thread;  ///< where it may still stand
  bool can_block = false;           ///< `blocking = true` means something
};

Action read_wait(const StepText& step) {
  Wait wait{step.span()};
  if (const Value connection = step.table["connection"]) wait.on_connection = connection.flag();
  return wait;
}

template <Work work>
Action read_work(const StepText& step) {
  return Compute{step.span(), work};
}

Action read_sums(const StepText& step) {
  const double scaled = static_cast<double>(step.value.whole(1, kMaxSums)) * step.draft().overrides.scale;
  return Compute{0, Work::sqrt_sum, std::llround(std::clamp(scaled, 1.0, static_cast<double>(kMaxSums)))};
}

/// A file that is there and can be read to its end; its size is the work.
void read_file_of(const Value& value, Compute& read) {
  namespace fs = std::filesystem;
  read.file = value.text();
  const std::string name = in_quotes(read.file);
  if (!read.file.starts_with('/')) {
    value.problem(
        "read {}: write the whole path of a file, such as \"/data/large.csv\", or a size such as \"64MB\"",
        name);
  }
  std::error_code error;
  const std::uintmax_t size = fs::file_size(read.file, error);
  if (!error && !fs::is_regular_file(read.file, error) && !error)
    error = std::make_error_code(std::errc::not_supported);
  if (error || size == 0) {
    value.problem("read {}: {}; name a file, or a size such as \"64MB\" and the lab makes one", name,
                  error ? error.message() : "the file is empty");
  }
  const auto bytes = static_cast<std::int64_t>(size);
  if (read.units == 0) read.units = bytes;
  if (read.units > bytes) value.problem("read {}: the file has only {} bytes", name, grouped(bytes));
}

Action read_read(const StepText& step) {
  Compute read{0, Work::file_read};
  if (const toml::table* table = step.value->as_table()) {
    const TableReader inner(step.draft(), *table, "read of " + step.table.what());
    inner.read({{"file"}, {"bytes", [&](const Value& value) { read.units = value.named("bytes").size(); }}});
    const Value file = inner["file"];
    if (file) read_file_of(file.named("read"), read);
    if (!file) inner.need("bytes", "bytes = \"64MB\"");
  } else if (step.value.begins('/')) {
    read_file_of(step.value.named("read"), read);
  } else {
    read.units = step.value.named("read (a size such as \"64MB\", or a file such as \"/data/a\")").size();
  }
  return read;
}

Action read_switch(const StepText& step) {
  constexpr std::array<Work, 3> kKinds{Work::coroutine_switch, Work::thread_switch, Work::process_switch};
  const std::string name = "switch of " + step.table.what();
  std::size_t kind = 0;
  Compute hand_over;
  step.value.table(
      name + " must be a table such as { n = 100000, between = \"threads\" }", name,
      {{"n", into(hand_over.units, 1, kMaxSwitches), "n = 100000"},
       {"between", into(kind, {"coroutines", "threads", "processes"}), "between = \"threads\""}});
  hand_over.work = kKinds.at(kind);
  return hand_over;
}

Action read_call(const StepText& step) {
  CallUpstream call{step.span()};
  if (const Value connection = step.table["connection"])
    call.keep_connection = connection.word({"kept", "new"}) == 0;
  return call;
}

Action read_query(const StepText& step) {
  const auto text = step.value->value_or(std::string_view{});
  const bool is_sql = text.find(' ') != std::string_view::npos && !parse_duration(text);
  if (!is_sql) {
    if (const Value takes = step.table["takes"])
      takes.problem("takes belongs to a query in SQL; this one says how long it takes already");
    return Query{step.value.named("query (a duration, or SQL with takes = \"100ms\")").span(Scaling::scaled)};
  }
  Query query{0, step.value.named("query").text()};
  query.duration =
      step.table.need("takes", "takes = \"100ms\" (how long the database works on it)").span(Scaling::scaled);
  return query;
}

/// `yield = true`: a step without anything to say.
template <class Marker>
Action read_marker(const StepText& step) {
  if (!step.value.flag())
    step.value.problem("{0} = false does nothing; write {0} = true or leave it out", step.value.key());
  return Marker{};
}

Action read_repeat(const StepText& step) {
  const std::int64_t times = step.value.whole(1, kMaxExecuted);
  return Repeat{times, step.nested("steps", Inside::loop)};
}

/// Lists of steps side by side, or `gather = 10, steps = […]`: the same plan ten times.
Action read_gather(const StepText& step) {
  Gather gather;
  if (step.value->is_integer()) {
    const std::int64_t times = step.value.whole(1, kMaxBranches);
    const std::size_t first = step.plans.places();
    const Plan plan = step.nested("steps", Inside::loop);
    gather.branches = step.plans.copies(plan, times, first, step.table.where());
    return gather;
  }
  const toml::array* branches = step.value->as_array();
  if (branches == nullptr || branches->empty()) {
    step.value.problem(
        "{} must be an array of step lists such as [[{{ wait = \"1s\" }}], [{{ wait = \"2s\" }}]], "
        "or a number with steps, not {}",
        step.value.name(), branches == nullptr ? kind_of(*step.value) : "empty");
  }
  if (const Value steps = step.table["steps"])
    steps.problem("steps belongs to gather = NUMBER; here the lists in gather are the steps");
  for (const toml::node& branch : *branches) {
    const std::string number = fmt::format("{}.{}", step.place.number, gather.branches.size() + 1);
    gather.branches.push_back(step.plans.read(branch, {number, Inside::loop, step.place.depth + 1}));
  }
  return gather;
}

template <class Holder, Inside inside>
Action read_holder(const StepText& step) {
  return Holder{step.nested(step.value.key(), inside)};
}

Action read_enqueue(const StepText& step) {
  std::string queue = step.value.id("queue");
  return Enqueue{std::move(queue), step.nested("steps", Inside::thread)};
}

Action read_result(const StepText& step) {
  return FetchResult{step.value.id("queue")};
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
      {"pooled", {}, read_holder<Pooled, Inside::thread>, Inside::loop},
      {"forget", {}, read_holder<Forget, Inside::loop>, Inside::loop},
      {"background", {}, read_holder<Background, Inside::loop>, Inside::handler},
      {"enqueue", {"steps"}, read_enqueue, Inside::handler},
      {"result", {}, read_result, Inside::handler},
  };
  return kKinds;
}

/// What a step does is the one keyword among its keys.
const StepKind& find_kind(Draft& draft, const toml::table& table, const std::string& what) {
  const StepKind* found = nullptr;
  std::vector<std::string> keywords;
  for (const StepKind& kind : step_kinds()) {
    keywords.emplace_back(kind.keyword);
    if (!table.contains(kind.keyword)) continue;
    if (found != nullptr) {
      draft.problems.at(table.source(), "{} both '{}' and '{}'; write one step each", what, found->keyword,
                        kind.keyword);
    }
    found = &kind;
  }
  if (found != nullptr) return *found;
  for (const auto& [key, value] : in_file_order(table)) {
    if (key->str() == "blocking") continue;
    draft.problems.at(key->source(), "unknown step {} in {}{}", in_quotes(key->str()), what,
                      suggestion(key->str(), keywords));
  }
  draft.problems.at(table.source(), "{} does nothing; write one of {}", what, join(keywords, ", "));
}

void PlanReader::check_room(std::int64_t more, const toml::source_region& where) {
  if (static_cast<std::int64_t>(places_.size()) + more <= static_cast<std::int64_t>(kMaxSteps)) return;
  draft_.problems.at(
      where, "{} has more than {} steps, nested ones counted; repeat = 100 does the same steps many times",
      owner_, grouped(kMaxSteps));
}

Step PlanReader::read_step(const toml::table& table, const Place& place) {
  Step step;
  const std::string what = naming(place.number);
  const StepKind& kind = find_kind(draft_, table, what);
  std::vector<std::string> known{std::string(kind.keyword), "blocking"};
  known.insert(known.end(), kind.own_keys.begin(), kind.own_keys.end());
  const TableReader reader(draft_, table, what);
  reader.only(known);
  const Value keyword = reader[kind.keyword];
  if (place.inside > kind.deepest) {
    keyword.problem(
        "{}: '{}' cannot stand here: {}", what, kind.keyword,
        kind.deepest == Inside::handler
            ? "it belongs to the handler itself; write it directly into the route's steps"
            : "it needs the loop, and a function in a pool or a job of a queue is not on it; put it outside");
  }
  check_room(1, table.source());
  places_.push_back(table.source());
  step.action = kind.read({*this, reader, keyword, place});
  const Value blocking = reader["blocking"];
  step.blocking = blocking && blocking.flag();
  if (step.blocking && (!kind.can_block || place.inside == Inside::thread)) {
    blocking.problem("blocking changes nothing in {}: {}", what,
                     kind.can_block ? "a step that runs in a thread blocks that thread"
                                    : "write it into the steps that wait or compute");
  }
  return step;
}

Plan PlanReader::read(const toml::node& node, const Place& place) {
  Plan plan;
  const Problems& problems = draft_.problems;
  const std::string what = naming(place.number);
  const toml::array* steps = node.as_array();
  if (steps == nullptr) {
    problems.at(node.source(), "steps of {} must be an array such as [{{ wait = \"100ms\" }}], not {}", what,
                kind_of(node));
  } else if (place.depth > kMaxDepth) {
    problems.at(node.source(), "{} is nested more than {} levels deep", what, kMaxDepth);
  } else if (steps->size() > kMaxSteps) {
    problems.at(node.source(), "{} has {} steps; at most {}", what,
                grouped(static_cast<std::int64_t>(steps->size())), grouped(kMaxSteps));
  }
  const std::string prefix = place.number.empty() ? "" : place.number + ".";
  for (const toml::node& entry : *steps) {
    const std::string number = prefix + std::to_string(plan.size() + 1);
    const toml::table& table =
        Value(draft_, &entry, entry.source(), number)
            .table(fmt::format("each step of {} must be a table such as {{ wait = \"100ms\" }}", what));
    plan.push_back(read_step(table, {number, place.inside, place.depth}));
  }
  if (unhindered_time(plan) > kLongestSpan)
    problems.at(node.source(), "the steps of {} take more than ten years", what);
  return plan;
}

std::vector<Plan> PlanReader::copies(const Plan& plan, std::int64_t times, std::size_t first_place,
                                     const toml::source_region& where) {
  const std::vector<toml::source_region> once(places_.begin() + static_cast<std::ptrdiff_t>(first_place),
                                              places_.end());
  check_room(static_cast<std::int64_t>(once.size()) * (times - 1), where);
  for (std::int64_t i = 1; i < times; ++i) places_.insert(places_.end(), once.begin(), once.end());
  return std::vector<Plan>(static_cast<std::size_t>(times), plan);
}

/// Letters, digits and a few signs; one whole segment may be a name in braces: `/result/{task_id}`.
bool is_path(std::string_view path) {
  if (!path.starts_with('/') || path.size() > kLongestPath) return false;
  constexpr std::string_view kSigns = "/-_.~";
  const std::size_t open = path.find('{');
  if (open == std::string_view::npos) return has_only_letters(path, kSigns);
  const std::size_t close = path.find('}', open);
  if (close == std::string_view::npos || close == open + 1 || path[open - 1] != '/') return false;
  const std::string_view name = path.substr(open + 1, close - open - 1);
  const std::string_view rest = path.substr(close + 1);
  return has_only_letters(path.substr(0, open), kSigns) && has_only_letters(name, "_") &&
         has_only_letters(rest, kSigns) && (rest.empty() || rest.starts_with('/'));
}

void read_request(const Value& value, Route& route) {
  const std::string text = value.text();
  const std::vector<std::string> words = split(text, ' ');
  if (words.size() != 2) value.problem("request {}: {}", in_quotes(text), kRequestRule);
  const std::vector<std::string> methods{"GET", "POST", "PUT", "PATCH", "DELETE", "WS"};
  if (!contains(methods, words[0]))
    value.problem("unknown method {}{}", in_quotes(words[0]), suggestion(words[0], methods));
  if (!is_path(words[1])) {
    value.problem(
        "path {} must begin with '/' and hold only letters, digits and /-_.~, and at most one part in "
        "braces such as /result/{{task_id}}; {}",
        in_quotes(words[1]), kRequestRule);
  }
  for (const Route& other : value.draft().scenario.routes) {
    if (other.method == words[0] && other.path == words[1])
      value.problem("{} is already route '{}'", in_quotes(text), other.name);
  }
  route.method = words[0];
  route.path = words[1];
}

void read_depends(PlanReader& plans, const Value& value, const std::string& owner, Route& route) {
  value.each_table(kMaxEntries, [&](const toml::table& table) {
    Dependency dependency;
    const std::size_t number = route.depends.size() + 1;
    const TableReader reader(value.draft(), table, fmt::format("dependency {} of {}", number, owner));
    reader.read({{"steps", {}, "steps = [{ wait = \"10ms\" }]"}, {"async", into(dependency.asynchronous)}});
    dependency.steps =
        plans.read(*reader["steps"],
                   {fmt::format("d{}", number), dependency.asynchronous ? Inside::loop : Inside::thread});
    route.depends.push_back(std::move(dependency));
  });
}

/// What the reply says, in that order. Steps that have a reply of their own say it whatever the route lists.
void read_reply(const Value& value, Route& route) {
  const toml::array* keys = value->as_array();
  if (keys == nullptr || keys->empty())
    return value.problem("reply must be an array of its keys, such as [\"message\"]");
  const bool at_once = route.plan.empty() && route.depends.empty();
  const bool infers = std::ranges::any_of(route.plan, [](const Step& step) {
    return step.is<Compute>() && step.as<Compute>()->work == Work::inference;
  });
  for (const toml::node& entry : *keys) {
    const Value key(value.draft(), &entry, entry.source(), "reply");
    const auto field = static_cast<ReplyField>(key.word(words_of<ReplyField>()));
    if (std::ranges::find(route.reply, field) != route.reply.end())
      key.problem("reply names {} twice", to_string(field));
    if (at_once && (field == ReplyField::start_time || field == ReplyField::end_time))
      key.problem("reply: a route without steps answers at once; it has no {}", to_string(field));
    if (!infers && field == ReplyField::prediction)
      key.problem("reply: prediction needs a step such as {{ infer = \"100ms\" }}");
    route.reply.push_back(field);
  }
}

/// The JSON that a request brings: lists of numbers, as models take them.
void read_body(const Value& value, Route& route) {
  if (!route.method.starts_with('P'))
    return value.problem("body: a {} brings none; make it a POST", route.method);
  value.each_entry("body must be a table such as { features = [0.2, 0.8] }", [&](const toml::key& key,
                                                                                 const toml::node& node) {
    const std::string name(key.str());
    const Value field(value.draft(), key, node, "body");
    if (name.empty() || !has_only_letters(name, "_") ||
        std::isdigit(static_cast<unsigned char>(name.front())) != 0)
      field.problem("body: {} must be a name of letters, digits and _", in_quotes(name));
    std::vector<double> numbers;
    const toml::array* list = node.as_array();
    for (std::size_t i = 0; list != nullptr && i < list->size(); ++i) {
      if (const auto number = list->get(i)->value<double>(); number && std::isfinite(*number))
        numbers.push_back(*number);
    }
    if (list == nullptr || list->empty() || numbers.size() < list->size())
      field.problem("body: {} must be a list of numbers such as [0.2, 0.8]", in_quotes(name));
    route.body.push_back({name, fmt::format("[{}]", fmt::join(numbers, ","))});
  });
}

/// What one request does in all must stay what a machine can do and a reader can follow.
void check_executed(const Value& steps, const Route& route) {
  std::int64_t executed = executed_steps(route.plan);
  for (const Dependency& dependency : route.depends)
    executed = std::min(executed, kMaxExecuted) + std::min(executed_steps(dependency.steps), kMaxExecuted);
  if (executed <= kMaxExecuted) return;
  steps.problem(
      "one request on route '{}' executes more than {} steps; repeat less often, with more in each step",
      route.name, grouped(kMaxExecuted));
}

void read_route(const Value& value, std::string name) {
  Draft& draft = value.draft();
  Route route;
  route.name = std::move(name);
  const std::string what = value.name();
  const TableReader reader(draft, value.table(what + " must be a table with request and steps"), what);
  PlanReader plans(draft, what);
  reader.read({
      {"request", [&](const Value& request) { read_request(request, route); }, "request = \"GET /slow\""},
      {"steps",
       [&](const Value& steps) {
         if (const Value depends = reader["depends"]) read_depends(plans, depends, what, route);
         route.plan = plans.read(*steps, {});
         check_executed(steps, route);
       },
       "steps = [{ wait = \"100ms\" }], or [] for none"},
      {"depends"},
      {"reply", [&](const Value& reply) { read_reply(reply.named("reply"), route); }},
      {"body", [&](const Value& body) { read_body(body.named("body"), route); }},
      {"body_limit", [&](const Value& limit) { route.body_limit = limit.named("body_limit").size(); }},
      // A deadline is the server's patience, not the experiment's pace: --scale leaves it.
      {"deadline",
       [&](const Value& deadline) {
         route.body_deadline = deadline.span(Scaling::fixed);
         if (route.body_deadline == 0)
           deadline.problem("deadline must be longer than 0ms; leave it out for the server's own");
       }},
  });
  draft.scenario.routes.push_back(std::move(route));
}

}  // namespace

void read_routes(const TableReader& file) {
  Draft& draft = file.draft();
  const Value routes = file.need("routes", "[routes.slow]");
  if (const toml::table* table = routes->as_table()) {
    if (table->empty()) routes.problem("routes is empty; write [routes.slow], for example");
    if (table->size() > kMaxEntries)
      routes.problem("there are {} routes; at most {}", table->size(), kMaxEntries);
  }
  routes.each_entry("routes must be tables such as [routes.slow]", [&](const auto& key, const auto& node) {
    check_id(draft, key, "route");
    read_route({draft, key, node, "route"}, std::string(key.str()));
  });
}

}  // namespace lab
