#include "lab/servers/supervisor/backend.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <catch2/catch.hpp>

#include "lab/servers/mode.hpp"

namespace lab {

namespace {

/// One step of each kind, nested.
Plan every_step() {
  return {{Wait{5, true}, true},
          {Compute{7, Work::file_read, 9, "/tmp/a \"file\""}},
          {CallUpstream{11, false}},
          {Query{13, "select 1"}},
          {Increment{}},
          {Yield{}},
          {Ready{}},
          {Repeat{3, {{Wait{1}}}}},
          {Gather{{{{Wait{2}}}, {{Ready{}}, {Yield{}}}}}},
          {Pooled{{{Wait{3}}}}},
          {Forget{{{Wait{4}}}}},
          {Background{{{Compute{5}}}}},
          {Enqueue{"jobs", {{Wait{6}}}}},
          {FetchResult{"jobs"}}};
}

ServerSetup whole_setup() {
  ServerSetup setup;
  setup.routes = {{"slow", "POST", "/slow/{id}", every_step(), {{{{Wait{8}}}, true}}, 20'000'000, kSecond}};
  Arm& arm = setup.arm;
  arm.id = "a";
  arm.label = "an arm";
  arm.modes = {find_mode("async-loop")->traits};
  arm.workers = 3;
  arm.threads = 5;
  arm.gil = true;
  arm.cores = 1;
  arm.accept = Accept::reuseport;
  arm.accept_limit = 7;
  arm.connections = 9;
  arm.shared_counters = true;
  arm.cancel = true;
  arm.backend = Backend::io_uring;
  arm.queues["jobs"] = {.workers = 4, .capacity = 8, .shared = true};
  setup.builtin_routes = true;
  setup.port = 65535;
  setup.seed = ~std::uint64_t{0};
  setup.upstream_port = 81;
  setup.postgres = "host=/run";
  setup.store = "/tmp/store";
  setup.rates[2] = 0.5;
  return setup;
}

}  // namespace

TEST_CASE("a setup that was written and read is written the same again") {
  const std::string text = encode_handover({whole_setup(), 3, 4, 5});
  const auto handover = decode_handover(text);
  REQUIRE(handover.has_value());
  CHECK(encode_handover(*handover) == text);
  CHECK(handover->ring == 3);
  CHECK(handover->slots == 4);
  CHECK(handover->capacity == 5);
  const ServerSetup& setup = handover->setup;
  CHECK(describe(setup.routes.front().plan) == describe(every_step()));
  CHECK(setup.routes.front().plan.front().blocking);
  CHECK(setup.arm.modes.front().handler == Resource::loop);
  CHECK(setup.seed == ~std::uint64_t{0});
}

TEST_CASE("a start report says the port and the workers, or why there are none") {
  const auto sent = [](const StartReport& report) {
    int ends[2];
    REQUIRE(pipe2(ends, O_CLOEXEC) == 0);
    const UniqueFd reading(ends[0]);
    send_report(ends[1], report);
    close(ends[1]);
    return read_report(reading.get());
  };
  const StartReport started = sent({8080, {11, 12}});
  CHECK(started.port == 8080);
  CHECK(started.workers == std::vector<pid_t>{11, 12});
  const StartReport failed = sent({.error = environment_error("no port is free")});
  CHECK(failed.workers.empty());
  CHECK(failed.error.kind == ErrorKind::environment);
  CHECK(failed.error.message == "no port is free");
}

TEST_CASE("what is no setup is an error") {
  for (const char* text : {"", "{}", "[1", "{\"routes\":3}"}) {
    const auto setup = decode_handover(text);
    REQUIRE_FALSE(setup.has_value());
    CHECK(setup.error().message.starts_with("the setup of a server cannot be read: "));
  }
}

}  // namespace lab
