#include "harness/client/load.hpp"

#include <algorithm>
#include <cstring>
#include <ratio>

#include "harness/client/load_driver.hpp"
#include "harness/statistics/statistics.hpp"
#include "harness/trace/event_collector.hpp"
#include "harness/trace/server_use.hpp"
#include "lab/core/clock.hpp"

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
// How late a generator may be unnoticed.
constexpr double kMedianLimit = 100e-6;
constexpr double kTailLimit = 1e-3;
constexpr double kLittle = 0.01;  // of what a request took: that late nobody can see

std::string place_of(const LoadTarget& target) {
  return fmt::format("{}:{}", target.host, target.port);
}

Route cheapest_route(const std::vector<Route>& routes) {
  const auto empty = std::ranges::find_if(routes, [](const Route& route) {
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
  const Case one_by_one{
      "", {{.arrivals = Arrivals::closed, .requests = options.warm_up_requests, .clients = 1, .at = {}}}};
  const Nanos patience = target.stamped ? kForeignWarmUpPatience : kWarmUpPatience;
  const DriverSetup setup{.request_deadline = std::min(options.request_deadline, patience),
                          .identify = false};
  const int wanted =
      options.warm_up_connections > 0 || events == nullptr ? options.warm_up_connections : events->slots();
  const int connections = std::clamp(wanted, 1, kMaxWarmUpConnections);
  for (int connection = 0; connection < connections; ++connection) {
    LAB_TRY(const auto transport, EpollTransport::create(target.host, target.port, options.interrupt_fd));
    MonotonicClock clock;
    LoadDriver driver(one_by_one, cheap, setup, clock, *transport);
    driver.open_connections(1, clock.now() + patience);
    if (driver.open_error() != 0) return connect_error(place_of(target), driver.open_error());
    driver.run(clock.now());
    if (driver.interrupted()) return true;
    const auto& records = driver.records();
    const auto failed = std::ranges::find_if(records, [](const RequestRecord& record) {
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
    return connect_error(place_of(target), driver.open_error());
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
    unseen |= load.hang_up > 0 || has_step<Background, Enqueue>(routes[load.route]);
    for_each_step(routes[load.route],
                  [&](const Step& step) { longest = std::max(longest, unhindered_time({step})); });
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

}  // namespace

DescriptorNeed descriptor_need(const Case& load_case) {
  DescriptorNeed need{kSpareDescriptors, kSpareDescriptors};
  for (const Load& load : load_case.loads) {
    const auto requests = static_cast<std::uint64_t>(std::max<std::int64_t>(0, load.requests));
    std::uint64_t at_once = requests;
    if (load.arrivals == Arrivals::closed) {
      at_once = std::min(requests, static_cast<std::uint64_t>(std::max<std::int64_t>(0, load.clients)));
    }
    need.wished += at_once;
    need.least += is_timed(load.arrivals) ? std::min<std::uint64_t>(at_once, kPoolStart) : at_once;
  }
  return need;
}

Nanos send_skew(const Case& load_case, std::span<const RequestRecord> records) {
  std::optional<std::uint32_t> largest;
  for (std::uint32_t index = 0; index < load_case.loads.size(); ++index) {
    const Load& load = load_case.loads[index];
    if (load.arrivals != Arrivals::burst) continue;
    if (!largest || load.requests > load_case.loads[*largest].requests) largest = index;
  }
  if (!largest) return 0;
  Nanos first = 0;
  Nanos last = 0;
  for (const RequestRecord& record : records) {
    if (record.parent != 0 || record.load != *largest || record.sent == 0) continue;
    first = first == 0 ? record.sent : std::min(first, record.sent);
    last = std::max(last, record.sent);
  }
  return last - first;
}

std::optional<std::string> fell_behind(const Case& load_case, std::span<const RequestRecord> records) {
  std::vector<bool> burst_counted(load_case.loads.size(), false);
  std::vector<double> lags;
  std::vector<double> latencies;
  for (const RequestRecord& record : records) {
    const Load& load = load_case.loads[record.load];
    if (record.sent == 0 || record.parent != 0 || load.arrivals == Arrivals::closed || load.fresh_connections)
      continue;
    if (load.arrivals == Arrivals::burst) {
      if (burst_counted[record.load]) continue;
      burst_counted[record.load] = true;
    }
    lags.push_back(seconds(record.sent - record.intended));
    if (record.received != 0) latencies.push_back(seconds(record.received - record.intended));
  }
  const auto median = nearest_rank(lags, 0.5);
  const auto tail = nearest_rank(lags, 0.99);
  const double little = kLittle * nearest_rank(latencies, 0.5).value_or(0);
  if (tail && *tail > std::max(kTailLimit, little)) {
    // Few requests carry no percentile; of a burst alone it is one.
    const auto supported = supported_percentile(lags, 0.99);
    return supported ? fmt::format("the generator fell behind by {} at p99", format_seconds(*supported))
                     : fmt::format("the generator fell behind by {} at worst",
                                   format_seconds(*nearest_rank(lags, 1)));
  }
  if (median && *median > std::max(kMedianLimit, little))
    return fmt::format("the generator fell behind by {} at the median", format_seconds(*median));
  return std::nullopt;
}

std::optional<double> take_computed_pace(Events& events) {
  std::vector<double> paces;
  for (const Event& event : events) {
    if (event.kind == EventKind::computed)
      paces.push_back(static_cast<double>(event.value) / std::micro::den);
  }
  if (paces.empty()) return std::nullopt;
  std::erase_if(events, [](const Event& event) { return event.kind == EventKind::computed; });
  return median_of(std::move(paces));
}

Result<LoadResult> run_load(const Case& load_case, const LoadTarget& target, EventRings* events,
                            const LoadOptions& options) {
  LAB_CHECK(raise_descriptor_limit(descriptor_need(load_case)));
  const PunctualTimers punctual;
  LoadResult result;
  LAB_TRY(const bool is_warm, warm_up(target, events, options, result.warnings));
  LAB_TRY(const auto transport, EpollTransport::create(target.host, target.port, options.interrupt_fd));
  EventCollector collector(events, static_cast<std::size_t>(load_case.requests()));
  DriverSetup setup{.seed = options.seed,
                    .request_deadline = options.request_deadline,
                    .close_after_reply = options.close_after_reply};
  ServerWatch watch(target.master, target.stamped);
  LoadDriver* running = nullptr;
  setup.housekeeping = [&](Nanos room) {
    collector.drain();
    watch.look(monotonic_now(), room);
    if (options.watch && running != nullptr) options.watch(running->records(), result.began);
  };
  ForeignWorkers foreign(target.master, target.port);
  setup.kill = [&target, &foreign](int worker) {
    return target.stamped ? foreign.kill(worker) : kill_worker(target.master, worker);
  };
  MonotonicClock clock;
  LoadDriver driver(load_case, target, setup, clock, *transport);
  watch.before();
  LAB_CHECK(open_connections(driver, collector, target, is_warm ? kConnectPatience : kSilentServerPatience,
                             options.accepts_late, result.warnings));

  collector.drain();
  watch.start();
  result.began = clock.now() + kRunUp;
  running = &driver;
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
    std::ranges::copy_if(result.events, std::back_inserter(result.supervision),
                         [](const Event& event) { return is_of_master(event.kind); });
    std::erase_if(result.events, [](const Event& event) { return is_of_master(event.kind); });
    result.events_dropped = collector.dropped();
    apply_events(result.events, result.records);
    apply_accepted(collector.take_accepted(), driver.ports(), result.records);
  }
  name_the_killed(load_case, result.records);
  for (const RequestRecord& record : result.records) result.books.add(record);
  result.send_skew = send_skew(load_case, result.records);
  if (const auto warning = fell_behind(load_case, result.records)) result.warnings.push_back(*warning);
  for (const int slot : driver.missed_kills()) {
    result.warnings.push_back(fmt::format("worker {} was not found, so it could not be killed", slot));
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
