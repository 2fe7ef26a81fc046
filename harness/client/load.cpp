#include "harness/client/load.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <optional>

#include "harness/client/connection_plan.hpp"
#include "harness/client/epoll_transport.hpp"
#include "harness/client/load_driver.hpp"
#include "harness/client/load_pace.hpp"
#include "harness/client/load_quality.hpp"
#include "harness/trace/event_collector.hpp"
#include "harness/trace/route_steps.hpp"
#include "harness/trace/server_use.hpp"
#include "lab/core/duration.hpp"

namespace lab {

namespace {

constexpr Nanos kConnectPatience = 2 * kSecond;
constexpr Nanos kSilentServerPatience = 200 * kMillisecond;  // where the warm-up got no reply
constexpr Nanos kWarmUpPatience = 400 * kMillisecond;
constexpr Nanos kForeignWarmUpPatience = 2 * kSecond;  // much is made at a framework's first request
constexpr Nanos kRepliedPatience = 50 * kMillisecond;
// From the decision to start to the first send: long enough to be waiting for it, asleep and then awake.
constexpr Nanos kRunUp = kMillisecond;
constexpr int kMaxWarmUpConnections = 16;

Error open_failed(const LoadTarget& target, int error) {
  if (error == ECONNREFUSED) {
    return environment_error("nothing listens at {}:{} (connect: {}); start the server first", target.host,
                             target.port, std::strerror(error));
  }
  return system_error("connect", fmt::format("{}:{}", target.host, target.port), error);
}

Route cheapest_route(const std::vector<Route>& routes) {
  const auto empty = std::find_if(routes.begin(), routes.end(), [](const Route& route) {
    return route.plan.empty() && route.depends.empty() && route.method != "WS" &&
           route.path.find('{') == std::string::npos;
  });
  return empty != routes.end() ? *empty : Route{"warm-up", "GET", "/", {}};
}

// A few requests one after another on a connection of its own, so that the first recorded request does not
// pay for what happens once. On several workers each gets such a connection: a whole round leaves the dealing
// as it was.
Result<bool> warm_up(const LoadTarget& target, const EventRings* events, const LoadOptions& options,
                     std::vector<std::string>& warnings) {
  if (options.warm_up_requests <= 0) return true;
  LoadTarget cheap = target;
  cheap.routes = {cheapest_route(target.routes)};
  Case one_by_one;
  one_by_one.loads.push_back(
      {.arrivals = Arrivals::closed, .requests = options.warm_up_requests, .clients = 1, .at = {}});
  DriverSetup setup;
  const Nanos patience = target.stamped ? kForeignWarmUpPatience : kWarmUpPatience;
  setup.request_deadline = std::min(options.request_deadline, patience);
  setup.identify = false;
  const int wanted =
      options.warm_up_connections > 0 || events == nullptr ? options.warm_up_connections : events->slots();
  const int connections = std::clamp(wanted, 1, kMaxWarmUpConnections);
  for (int connection = 0; connection < connections; ++connection) {
    auto transport = EpollTransport::create(target.host, target.port, options.interrupt_fd);
    if (!transport) return transport.error();
    MonotonicClock clock;
    LoadDriver driver(one_by_one, cheap, setup, clock, **transport);
    driver.open_connections(1, clock.now() + patience);
    if (driver.open_error() != 0) return open_failed(target, driver.open_error());
    driver.run(clock.now());
    if (driver.interrupted()) return true;
    const auto& records = driver.records();
    const auto failed = std::find_if(records.begin(), records.end(), [](const RequestRecord& record) {
      return record.outcome != Outcome::ok && record.outcome != Outcome::bad_status;
    });
    if (failed == records.end()) continue;
    warnings.push_back(fmt::format("the warm-up got no reply ({} {}: {})", cheap.routes[0].method,
                                   cheap.routes[0].path, to_string(failed->outcome)));
    return false;
  }
  return true;
}

// Opens in portions and lets the server take over each, so that no backlog overflows and it accepts in our
// order.
Result<void> open_connections(LoadDriver& driver, EventCollector& collector, const LoadTarget& target,
                              Nanos patience, bool accepts_late, std::vector<std::string>& warnings) {
  const Nanos until = monotonic_now() + patience;
  std::size_t missing = 0;
  bool more = true;
  while (more && !driver.interrupted() && monotonic_now() < until) {
    more = driver.open_connections(kOpenAtOnce, until);
    if (!accepts_late) missing = collector.await_accepted(driver.opened_ports(), until);
  }
  if (driver.interrupted()) return {};
  if (driver.opened_ports().empty() && driver.open_error() != 0)
    return open_failed(target, driver.open_error());
  if (driver.open_error() != 0) {
    warnings.push_back(fmt::format("some connections could not be opened before the load: {}",
                                   std::strerror(driver.open_error())));
  }
  if (missing > 0) {
    warnings.push_back(fmt::format("the server had not accepted {} of {} connections when the load began",
                                   missing, driver.opened_ports().size()));
  }
  if (more) warnings.push_back("not all connections were open when the load began");
  return {};
}

/// How long a server may be silent while it works on what has no reply; none where all work has one.
std::optional<Nanos> silent_work(const Case& load_case, const std::vector<Route>& routes) {
  constexpr Nanos kRoom = 200 * kMillisecond;
  bool unseen = false;
  Nanos longest = 0;
  for (const Load& load : load_case.loads) {
    unseen |= load.hang_up > 0;
    const RouteSteps steps(routes[load.route]);
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const auto index = static_cast<std::int64_t>(i);
      const auto& action = steps.step(index)->action;
      unseen |= std::holds_alternative<Background>(action) || std::holds_alternative<Enqueue>(action);
      longest = std::max(longest, steps.unhindered(index));
    }
  }
  return unseen ? std::optional(longest + kRoom) : std::nullopt;
}

/// The kernel ends a killed process's connections with a reset or, where no byte of them was unread, in
/// order: either way it was the kill.
void name_the_killed(const Case& load_case, std::vector<RequestRecord>& records) {
  if (load_case.kills.empty()) return;
  for (RequestRecord& record : records) {
    if (record.outcome == Outcome::closed && record.first_byte == 0) record.outcome = Outcome::reset;
  }
}

/// What the driver is to send: with `close_after_reply` no pool of open connections waits for its requests.
Case case_to_send(Case load_case, const LoadOptions& options) {
  for (Load& load : load_case.loads) {
    if (options.close_after_reply && is_pooled(load)) load.fresh_connections = true;
  }
  return load_case;
}

}  // namespace

Result<LoadResult> run_load(const Case& load_case, const LoadTarget& target, EventRings* events,
                            const LoadOptions& options) {
  if (const auto limit = raise_descriptor_limit(descriptor_need(load_case)); !limit) return limit.error();
  const PunctualTimers punctual;
  LoadResult result;
  const auto warm = warm_up(target, events, options, result.warnings);
  if (!warm) return warm.error();

  auto transport = EpollTransport::create(target.host, target.port, options.interrupt_fd);
  if (!transport) return transport.error();
  EventCollector collector(events, static_cast<std::size_t>(load_case.requests()));
  DriverSetup setup;
  setup.seed = options.seed;
  setup.request_deadline = options.request_deadline;
  setup.close_after_reply = options.close_after_reply;
  ServerWatch watch(target.master, target.stamped);
  setup.housekeeping = [&](Nanos room) {
    collector.drain();
    watch.look(monotonic_now(), room);
  };
  ForeignWorkers foreign(target.master, target.port);
  setup.kill = [&target, &foreign](int worker) {
    return target.stamped ? foreign.kill(worker) : kill_worker(target.master, worker);
  };
  MonotonicClock clock;
  const Case sent = case_to_send(load_case, options);
  LoadDriver driver(sent, target, setup, clock, **transport);
  watch.before();
  const auto opened =
      open_connections(driver, collector, target, *warm ? kConnectPatience : kSilentServerPatience,
                       options.accepts_late, result.warnings);
  if (!opened) return opened.error();

  collector.drain();
  watch.start();
  result.began = clock.now() + kRunUp;
  driver.run(result.began);

  watch.finish();
  result.server = watch.use();
  result.interrupted = driver.interrupted();
  collector.await_replied(driver.records(), monotonic_now() + kRepliedPatience);
  const auto silent = silent_work(load_case, target.routes);
  if (silent && !result.interrupted)
    collector.await_ends(*silent, monotonic_now() + options.request_deadline);
  result.records = std::move(driver.records());
  result.killed = driver.killed();
  if (target.stamped) {
    // Only where somebody was killed are process ids no slots: who came for the dead one has the highest.
    if (!result.killed.empty()) foreign.look();
    result.events = driver.stamps().apply(result.records, target.routes, foreign.slots());
    if (const auto warning = driver.stamps().warning()) result.warnings.push_back(*warning);
  } else {
    result.events = collector.take(result.began);
    result.events_dropped = collector.dropped();
    apply_events(result.events, result.records);
    apply_accepted(collector.take_accepted(), driver.ports(), result.records);
  }
  name_the_killed(load_case, result.records);
  for (const RequestRecord& record : result.records) result.books.add(record);
  result.send_skew = send_skew(load_case, result.records);
  if (const auto warning = fell_behind(load_case, result.records)) result.warnings.push_back(*warning);
  for (const int slot : driver.missed_kills()) {
    result.warnings.push_back(fmt::format("no worker {} was found that could be killed", slot));
  }
  if (driver.gave_up()) {
    result.warnings.push_back(fmt::format("nothing was answered for {}: {} requests were not sent",
                                          format_duration(options.request_deadline), result.books.unsent));
  }
  if (result.events_dropped > 0) {
    result.warnings.push_back(fmt::format(
        "{} events of the servers were lost: their ring was full or a worker died", result.events_dropped));
  }
  return result;
}

}  // namespace lab
