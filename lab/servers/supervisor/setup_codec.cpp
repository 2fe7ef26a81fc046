#include "lab/servers/supervisor/setup_codec.hpp"

#include <boost/json.hpp>
#include <exception>
#include <type_traits>
#include <utility>

#include "lab/servers/mode.hpp"

namespace lab {

namespace json = boost::json;

namespace {

json::array to_json(const Plan& plan);
Plan to_plan(const json::value& value);

// One pair of functions for each kind of step: its fields out and in. A new kind must be added here before
// this compiles.
void write(json::object& to, const Wait& step) {
  to["duration"] = step.duration;
  to["on_connection"] = step.on_connection;
}
void read(const json::object& from, Wait& step) {
  step.duration = from.at("duration").as_int64();
  step.on_connection = from.at("on_connection").as_bool();
}
void write(json::object& to, const Compute& step) {
  to["duration"] = step.duration;
  to["work"] = static_cast<int>(step.work);
  to["units"] = step.units;
  to["file"] = step.file;
}
void read(const json::object& from, Compute& step) {
  step.duration = from.at("duration").as_int64();
  step.work = static_cast<Work>(from.at("work").as_int64());
  step.units = from.at("units").as_int64();
  step.file = from.at("file").as_string().c_str();
}
void write(json::object& to, const CallUpstream& step) {
  to["duration"] = step.duration;
  to["keep_connection"] = step.keep_connection;
}
void read(const json::object& from, CallUpstream& step) {
  step.duration = from.at("duration").as_int64();
  step.keep_connection = from.at("keep_connection").as_bool();
}
void write(json::object& to, const Query& step) {
  to["duration"] = step.duration;
  to["sql"] = step.sql;
}
void read(const json::object& from, Query& step) {
  step.duration = from.at("duration").as_int64();
  step.sql = from.at("sql").as_string().c_str();
}
void write(json::object& to, const Repeat& step) {
  to["times"] = step.times;
  to["steps"] = to_json(step.steps);
}
void read(const json::object& from, Repeat& step) {
  step.times = from.at("times").as_int64();
  step.steps = to_plan(from.at("steps"));
}
void write(json::object& to, const Gather& step) {
  json::array branches;
  for (const Plan& branch : step.branches) branches.emplace_back(to_json(branch));
  to["branches"] = std::move(branches);
}
void read(const json::object& from, Gather& step) {
  for (const json::value& branch : from.at("branches").as_array()) step.branches.push_back(to_plan(branch));
}
void write(json::object& to, const Enqueue& step) {
  to["queue"] = step.queue;
  to["steps"] = to_json(step.steps);
}
void read(const json::object& from, Enqueue& step) {
  step.queue = from.at("queue").as_string().c_str();
  step.steps = to_plan(from.at("steps"));
}
void write(json::object& to, const FetchResult& step) {
  to["queue"] = step.queue;
}
void read(const json::object& from, FetchResult& step) {
  step.queue = from.at("queue").as_string().c_str();
}

template <class T>
constexpr bool kWithoutFields = std::is_empty_v<T>;
template <class T>
constexpr bool kOnlySteps =
    std::is_same_v<T, Pooled> || std::is_same_v<T, Forget> || std::is_same_v<T, Background>;

struct WriteStep {
  json::object& to;
  template <class T>
  void operator()(const T& step) const {
    if constexpr (kOnlySteps<T>) {
      to["steps"] = to_json(step.steps);
    } else if constexpr (!kWithoutFields<T>) {
      write(to, step);
    }
  }
};

struct ReadStep {
  const json::object& from;
  template <class T>
  void operator()(T& step) const {
    if constexpr (kOnlySteps<T>) {
      step.steps = to_plan(from.at("steps"));
    } else if constexpr (!kWithoutFields<T>) {
      read(from, step);
    }
  }
};

/// Makes the alternative with that number current.
template <std::size_t kind = 0>
void choose(decltype(Step::action)& action, std::size_t wanted) {
  if constexpr (kind < std::variant_size_v<decltype(Step::action)>) {
    if (kind == wanted) {
      action.emplace<kind>();
    } else {
      choose<kind + 1>(action, wanted);
    }
  }
}

json::array to_json(const Plan& plan) {
  json::array steps;
  for (const Step& step : plan) {
    json::object fields{{"kind", step.action.index()}, {"blocking", step.blocking}};
    std::visit(WriteStep{fields}, step.action);
    steps.emplace_back(std::move(fields));
  }
  return steps;
}

Plan to_plan(const json::value& value) {
  Plan plan;
  for (const json::value& element : value.as_array()) {
    const json::object& fields = element.as_object();
    Step step;
    choose(step.action, fields.at("kind").to_number<std::size_t>());
    step.blocking = fields.at("blocking").as_bool();
    std::visit(ReadStep{fields}, step.action);
    plan.push_back(std::move(step));
  }
  return plan;
}

json::object to_json(const Route& route) {
  json::array depends;
  for (const Dependency& dependency : route.depends)
    depends.push_back({{"steps", to_json(dependency.steps)}, {"asynchronous", dependency.asynchronous}});
  return {{"name", route.name},
          {"method", route.method},
          {"path", route.path},
          {"plan", to_json(route.plan)},
          {"depends", std::move(depends)},
          {"body_limit", route.body_limit},
          {"body_deadline", route.body_deadline}};
}

Route to_route(const json::object& from) {
  Route route{.name = from.at("name").as_string().c_str(),
              .method = from.at("method").as_string().c_str(),
              .path = from.at("path").as_string().c_str(),
              .plan = to_plan(from.at("plan"))};
  for (const json::value& dependency : from.at("depends").as_array())
    route.depends.push_back({to_plan(dependency.at("steps")), dependency.at("asynchronous").as_bool()});
  route.body_limit = from.at("body_limit").as_int64();
  route.body_deadline = from.at("body_deadline").as_int64();
  return route;
}

json::object to_json(const Arm& arm) {
  json::array modes;
  for (const Traits& mode : arm.modes)
    modes.emplace_back(json::string_view(mode.name.data(), mode.name.size()));
  json::object queues;
  for (const auto& [name, queue] : arm.queues)
    queues[name] = {{"workers", queue.workers}, {"capacity", queue.capacity}, {"shared", queue.shared}};
  return {{"id", arm.id},
          {"label", arm.label},
          {"modes", std::move(modes)},
          {"workers", arm.workers},
          {"threads", arm.threads},
          {"gil", arm.gil},
          {"cores", arm.cores},
          {"accept", static_cast<int>(arm.accept)},
          {"accept_limit", arm.accept_limit},
          {"pool_processes", arm.pool_processes},
          {"connections", arm.connections},
          {"shared_counters", arm.shared_counters},
          {"cancel", arm.cancel},
          {"backend", static_cast<int>(arm.backend)},
          {"queues", std::move(queues)}};
}

Arm to_arm(const json::object& from) {
  const auto number = [&from](const char* key) { return from.at(key).to_number<int>(); };
  Arm arm;
  arm.id = from.at("id").as_string().c_str();
  arm.label = from.at("label").as_string().c_str();
  for (const json::value& name : from.at("modes").as_array()) {
    const Mode* mode = find_mode(name.as_string().c_str());
    if (mode == nullptr) throw Failure(environment_error("no execution model {}", name.as_string().c_str()));
    arm.modes.push_back(mode->traits);
  }
  arm.workers = number("workers");
  arm.threads = number("threads");
  arm.gil = from.at("gil").as_bool();
  arm.cores = number("cores");
  arm.accept = static_cast<Accept>(number("accept"));
  arm.accept_limit = number("accept_limit");
  arm.pool_processes = from.at("pool_processes").as_bool();
  arm.connections = number("connections");
  arm.shared_counters = from.at("shared_counters").as_bool();
  arm.cancel = from.at("cancel").as_bool();
  arm.backend = static_cast<Backend>(number("backend"));
  for (const auto& [name, queue] : from.at("queues").as_object())
    arm.queues[std::string(name)] = {.workers = queue.at("workers").to_number<int>(),
                                     .capacity = queue.at("capacity").as_int64(),
                                     .shared = queue.at("shared").as_bool()};
  return arm;
}

}  // namespace

std::string encode_setup(const ServerSetup& setup) {
  json::array routes;
  for (const Route& route : setup.routes) routes.emplace_back(to_json(route));
  json::array rates;
  for (const double rate : setup.rates) rates.emplace_back(rate);
  const json::object all{{"routes", std::move(routes)},
                         {"arm", to_json(setup.arm)},
                         {"builtin_routes", setup.builtin_routes},
                         {"host", setup.host},
                         {"port", setup.port},
                         {"seed", setup.seed},
                         {"log", setup.log},
                         {"upstream_port", setup.upstream_port},
                         {"postgres", setup.postgres},
                         {"store", setup.store},
                         {"rates", std::move(rates)}};
  return json::serialize(all);
}

Result<ServerSetup> decode_setup(std::string_view text) {
  try {
    json::parse_options options;
    options.max_depth = 1024;
    const json::value parsed = json::parse(json::string_view(text.data(), text.size()), {}, options);
    const json::object& all = parsed.as_object();
    ServerSetup setup;
    for (const json::value& route : all.at("routes").as_array())
      setup.routes.push_back(to_route(route.as_object()));
    setup.arm = to_arm(all.at("arm").as_object());
    setup.builtin_routes = all.at("builtin_routes").as_bool();
    setup.host = all.at("host").as_string().c_str();
    setup.port = all.at("port").to_number<std::uint16_t>();
    setup.seed = all.at("seed").to_number<std::uint64_t>();
    setup.log = all.at("log").as_bool();
    setup.upstream_port = all.at("upstream_port").to_number<std::uint16_t>();
    setup.postgres = all.at("postgres").as_string().c_str();
    setup.store = all.at("store").as_string().c_str();
    std::size_t kind = 0;
    for (const json::value& rate : all.at("rates").as_array())
      setup.rates.at(kind++) = rate.to_number<double>();
    return setup;
  } catch (const std::exception& fault) {
    return environment_error("the setup of a server cannot be read: {}", fault.what());
  }
}

}  // namespace lab
