// The same plan on the virtual-time model and on real servers: order of replies, books, and who held what.

#include <algorithm>
#include <catch2/catch.hpp>
#include <map>

#include "harness/client/load.hpp"
#include "harness/trace/occupancy.hpp"
#include "lab/core/event_ring.hpp"
#include "lab/experiment/experiment.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/supervisor/server.hpp"
#include "scenarios/loader/loader.hpp"

using namespace lab;

namespace {

// Times lie far enough apart for a loaded machine: who comes first must not hang on a millisecond.
constexpr const char* kFile = R"(
question = "Who is answered first?"
[routes.long]
request = "GET /long"
steps = [{ wait = "200ms" }]
[routes.short]
request = "GET /short"
steps = [{ wait = "40ms" }]
[[load]]
route = "long"
arrivals = "burst"
requests = 1
[[load]]
route = "short"
arrivals = "staggered"
at = ["40ms", "140ms"]
[[arms]]
id = "blocking-loop"
mode = "blocking-loop"
[[arms]]
id = "async-loop"
mode = "async-loop"
[[arms]]
id = "thread-pool"
mode = "thread-pool"
[[arms]]
id = "pool-of-one"
mode = "thread-pool"
threads = 1
[[arms]]
id = "offload"
mode = "offload"
[[arms]]
id = "offload-of-one"
mode = "offload"
threads = 1
[[arms]]
id = "thread-per-request"
mode = "thread-per-request"
[[arms]]
id = "one-thread"
mode = "thread-per-request"
threads = 1
[[arms]]
id = "two-workers"
mode = "blocking-loop"
workers = 2
[[arms]]
id = "mixed"
mode = { long = "blocking-loop", short = "async-loop" }
)";

RunRepetition measure(const Scenario& scenario, const Arm& arm) {
  EventRings rings = EventRings::create(arm.workers, 4096).value();
  ServerSetup setup;
  setup.routes = scenario.routes;
  setup.arm = arm;
  setup.seed = 42;
  Server server = Server::start(setup, &rings).value();
  LoadTarget target;
  target.port = server.port();
  target.routes = scenario.routes;
  LoadOptions options;
  options.seed = 42;
  options.close_after_reply = arm.uses(Resource::thread);
  LoadResult load = run_load(scenario.cases.front(), target, &rings, options).value();
  server.stop(2 * kSecond);
  RunRepetition repetition;
  repetition.records = std::move(load.records);
  repetition.events = std::move(load.events);
  return repetition;
}

std::vector<std::uint32_t> order_of_replies(std::vector<RequestRecord> records) {
  std::sort(records.begin(), records.end(),
            [](const RequestRecord& a, const RequestRecord& b) { return a.received < b.received; });
  std::vector<std::uint32_t> ids;
  for (const RequestRecord& record : records) ids.push_back(record.id);
  return ids;
}

RequestCounts books_of(const std::vector<RequestRecord>& records) {
  RequestCounts books;
  for (const RequestRecord& record : records) books.add(record);
  return books;
}

/// Which resources each request held for at least 20 ms: what its plan cost others, not the hand-overs
/// between.
std::map<std::uint32_t, std::vector<Resource>> held_long(const Events& events) {
  std::map<std::uint32_t, std::vector<Resource>> held;
  for (const Hold& hold : Occupancy(events).holds) {
    if (hold.to - hold.from >= 20 * kMillisecond && hold.request != 0)
      held[hold.request].push_back(hold.resource);
  }
  return held;
}

}  // namespace

TEST_CASE("model and servers agree on order of replies, books and who held what, in every execution model") {
  const Scenario scenario = parse_scenario(kFile, "agreement.toml", known_modes()).value();
  for (const Arm& arm : scenario.arms) {
    INFO(arm.id);
    const RunRepetition predicted =
        simulate_repetition(scenario, arm, scenario.cases.front(), 2, 1, 42, true);
    const RunRepetition measured = measure(scenario, arm);
    CHECK(order_of_replies(measured.records) == order_of_replies(predicted.records));
    const RequestCounts books = books_of(measured.records);
    CHECK(books.adds_up());
    CHECK(books.ok == books_of(predicted.records).ok);
    CHECK(held_long(measured.events) == held_long(predicted.events));
    for (const RequestRecord& record : measured.records) {
      INFO(record.id);
      CHECK(record.intended <= record.sent);
      CHECK(record.sent <= record.read);
      CHECK(record.read <= record.started);
      CHECK(record.started <= record.finished);
      CHECK(record.finished <= record.received);
      CHECK(record.worker >= 0);
    }
  }
}
