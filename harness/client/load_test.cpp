#include "harness/client/load.hpp"

#include <sys/eventfd.h>
#include <sys/prctl.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <mutex>

#include "harness/client/testing/scripted_server.hpp"

namespace lab {
namespace {

using Catch::Matchers::Contains;

const std::string kOkReply = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

// Request texts as the server got them; its thread writes, the test reads after the run.
struct Heard {
  std::mutex mutex;
  std::vector<std::string> texts;
  ScriptedServer::Script always(ScriptedServer::Answer answer) {
    return [this, answer](const std::string& request) {
      const std::lock_guard lock(mutex);
      texts.push_back(request);
      return answer;
    };
  }
  int count(const std::string& part) {
    const std::lock_guard lock(mutex);
    return static_cast<int>(std::count_if(texts.begin(), texts.end(), [&](const std::string& text) {
      return text.find(part) != std::string::npos;
    }));
  }
};

LoadTarget target_at(std::uint16_t port) {
  return {.host = "127.0.0.1",
          .port = port,
          .routes = {{"slow", "POST", "/slow", {{Wait{kSecond}, false}}}, {"ping", "GET", "/ping", {}}}};
}

Case case_of(std::vector<Load> loads) {
  return {"main", std::move(loads)};
}

Load load_of(Arrivals arrivals, std::int64_t requests) {
  Load load;
  load.arrivals = arrivals;
  load.requests = requests;
  return load;
}

TEST_CASE("a burst against a real server is answered, stamped in order and its books balance") {
  Heard heard;
  const ScriptedServer server(heard.always({kOkReply}));
  const auto result = run_load(case_of({load_of(Arrivals::burst, 10)}), target_at(server.port), nullptr, {});
  REQUIRE(result.has_value());
  CHECK(result->books.adds_up());
  CHECK(result->books.ok == 10);
  CHECK_FALSE(result->interrupted);
  CHECK(result->send_skew > 0);
  for (const RequestRecord& record : result->records) {
    CHECK(record.intended == result->began);
    CHECK(record.sent >= record.intended);
    CHECK(record.first_byte >= record.sent);
    CHECK(record.received >= record.first_byte);
    CHECK(record.status == 200);
  }
  for (int id = 1; id <= 10; ++id) CHECK(heard.count(fmt::format("Lab-Request: {}\r\n", id)) == 1);
}

TEST_CASE("the warm-up takes the route that does nothing and is not recorded") {
  Heard heard;
  const ScriptedServer server(heard.always({kOkReply}));
  LoadOptions options;
  options.warm_up_requests = 4;
  const auto result =
      run_load(case_of({load_of(Arrivals::burst, 1)}), target_at(server.port), nullptr, options);
  REQUIRE(result.has_value());
  CHECK(result->records.size() == 1);
  CHECK(heard.count("GET /ping HTTP/1.1\r\n") == 4);
  CHECK(heard.count("POST /slow HTTP/1.1\r\n") == 1);
  CHECK(heard.count("Lab-Request") == 1);
  CHECK(heard.texts.back().starts_with("POST /slow"));
}

TEST_CASE("closed and steady loads run side by side on a real server") {
  Heard heard;
  const ScriptedServer server(heard.always({kOkReply}));
  Load closed = load_of(Arrivals::closed, 40);
  closed.clients = 4;
  Load steady = load_of(Arrivals::constant, 10);
  steady.every = kMillisecond;
  steady.route = 1;
  const auto result = run_load(case_of({closed, steady}), target_at(server.port), nullptr, {});
  REQUIRE(result.has_value());
  CHECK(result->books.ok == 50);
  CHECK(result->records.size() == 50);
}

TEST_CASE("where nothing listens the error names the address and the remedy") {
  std::uint16_t port = 0;
  {
    const ScriptedServer gone([](const std::string&) { return ScriptedServer::Answer{}; });
    port = gone.port;
  }
  for (const int warm_up : {0, 3}) {
    LoadOptions options;
    options.warm_up_requests = warm_up;
    const auto result = run_load(case_of({load_of(Arrivals::burst, 2)}), target_at(port), nullptr, options);
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().kind == ErrorKind::environment);
    CHECK_THAT(result.error().message, Contains(fmt::format("nothing listens at 127.0.0.1:{}", port)));
  }
}

TEST_CASE("a server that never answers ends in timeouts") {
  const ScriptedServer server([](const std::string&) { return ScriptedServer::Answer{}; });
  LoadOptions options;
  options.warm_up_requests = 0;
  options.request_deadline = 30 * kMillisecond;
  const auto result =
      run_load(case_of({load_of(Arrivals::burst, 3)}), target_at(server.port), nullptr, options);
  REQUIRE(result.has_value());
  CHECK(result->books.errors.at("timeout") == 3);
  for (const RequestRecord& record : result->records)
    CHECK(record.received >= record.intended + options.request_deadline);
}

TEST_CASE("a warm-up without a reply is a warning and the load runs all the same") {
  Heard heard;
  const ScriptedServer server([](const std::string& request) {
    return request.find("/ping") != std::string::npos ? ScriptedServer::Answer{"", true}
                                                      : ScriptedServer::Answer{kOkReply};
  });
  const auto result = run_load(case_of({load_of(Arrivals::burst, 1)}), target_at(server.port), nullptr, {});
  REQUIRE(result.has_value());
  CHECK(result->books.ok == 1);
  REQUIRE_FALSE(result->warnings.empty());
  CHECK_THAT(result->warnings.front(), Contains("warm-up") && Contains("/ping"));
}

TEST_CASE("an interruption before the load leaves every request unsent") {
  Heard heard;
  const ScriptedServer server(heard.always({kOkReply}));
  const int interrupt = eventfd(1, EFD_CLOEXEC);
  LoadOptions options;
  options.interrupt_fd = interrupt;
  const auto result =
      run_load(case_of({load_of(Arrivals::burst, 5)}), target_at(server.port), nullptr, options);
  ::close(interrupt);
  REQUIRE(result.has_value());
  CHECK(result->interrupted);
  CHECK(result->books.unsent == 5);
  CHECK(result->books.adds_up());
  CHECK(heard.count("Lab-Request") == 0);
}

TEST_CASE("events that the server left come with the result, those of before the load do not") {
  auto rings = EventRings::create(1, 1024).value();
  rings.append(0, {.at = monotonic_now(), .request = 0, .kind = EventKind::turn});
  const ScriptedServer server([&](const std::string& request) {
    const std::size_t id = request.find("Lab-Request: ");
    if (id != std::string::npos) {
      const auto number = static_cast<std::uint32_t>(std::stoul(request.substr(id + 13)));
      for (const EventKind kind :
           {EventKind::read, EventKind::started, EventKind::finished, EventKind::replied}) {
        rings.append(0, {.at = monotonic_now(), .request = number, .kind = kind});
      }
    }
    return ScriptedServer::Answer{kOkReply};
  });
  const auto result = run_load(case_of({load_of(Arrivals::burst, 3)}), target_at(server.port), &rings, {});
  REQUIRE(result.has_value());
  CHECK(result->events.size() == 12);
  CHECK(result->events_dropped == 0);
  for (const RequestRecord& record : result->records) {
    CHECK(record.worker == 0);
    CHECK(record.read >= record.sent);
    CHECK(record.started >= record.read);
    CHECK(record.finished >= record.started);
    CHECK(record.received >= record.finished);
  }
}

TEST_CASE("the timer slack is afterwards what it was") {
  const int before = prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0);
  Heard heard;
  const ScriptedServer server(heard.always({kOkReply}));
  REQUIRE(run_load(case_of({load_of(Arrivals::burst, 1)}), target_at(server.port), nullptr, {}).has_value());
  CHECK(prctl(PR_GET_TIMERSLACK, 0, 0, 0, 0) == before);
}

}  // namespace
}  // namespace lab
