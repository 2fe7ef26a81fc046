#include "lab/page/event_log.hpp"

#include <fmt/format.h>

#include <catch2/catch.hpp>

#include "lab/core/text.hpp"

using lab::EventLog;
using lab::EventPlace;

namespace {

std::string live_line(int number) {
  return fmt::format(R"({{"type":"live","now_ns":{}}})", number);
}

/// All that a viewer gets from there on.
std::string read_on(const EventLog& log, EventPlace& place) {
  std::string all;
  for (std::string part = log.next(place); !part.empty(); part = log.next(place)) all += part;
  return all;
}

}  // namespace

TEST_CASE("A viewer gets every line once, each with its id and type") {
  EventLog log;
  log.begin_run();
  log.add(R"({"type":"begin","arm":"a"})");
  EventPlace place{log.run(), 0};
  CHECK(log.next(place) == "id: 1-1\nevent: begin\ndata: {\"type\":\"begin\",\"arm\":\"a\"}\n\n");
  CHECK(log.next(place).empty());
  log.add(R"({"type":"end"})");
  CHECK(log.next(place).starts_with("id: 1-2\nevent: end\n"));
}

TEST_CASE("A viewer that comes back goes on behind the line that it had last") {
  EventLog log;
  log.begin_run();
  for (int i = 1; i <= 5; ++i) log.add(live_line(i));
  EventPlace place = EventPlace::parse("1-3").value();
  const std::string rest = read_on(log, place);
  CHECK(rest.starts_with("id: 1-4\n"));
  CHECK(lab::split(rest, '\n').size() == 9);
  CHECK_FALSE(EventPlace::parse("3").has_value());
  CHECK_FALSE(EventPlace::parse("1-x").has_value());
}

TEST_CASE("A new run begins at its first line for everybody") {
  EventLog log;
  log.begin_run();
  log.add(R"({"type":"end"})");
  EventPlace place{1, 1};
  log.begin_run();
  CHECK(log.next(place).empty());
  log.add(R"({"type":"header"})");
  CHECK(log.next(place).starts_with("id: 2-1\n"));
}

TEST_CASE("A viewer that stalls misses live lines and learns how many, and misses no picture") {
  EventLog log;
  log.begin_run();
  EventPlace place{log.run(), 0};
  log.add(R"({"type":"picture"})");
  constexpr int kLines = 5'000;
  for (int i = 0; i < kLines; ++i) log.add(live_line(i));
  log.add(R"({"type":"document"})");
  const std::string all = read_on(log, place);
  CHECK(all.find("event: picture") != std::string::npos);
  CHECK(all.find("event: document") != std::string::npos);
  CHECK(all.find(fmt::format("event: lost\ndata: {{\"type\":\"lost\",\"lines\":{}}}",
                             kLines - static_cast<int>(EventLog::kMaxLive))) != std::string::npos);
}

TEST_CASE("Of very many pictures the first ones go, so that a run of any length has room") {
  EventLog log;
  log.begin_run();
  EventPlace place{log.run(), 0};
  const std::string filling(EventLog::kMaxBytes / 4, 'x');
  for (int i = 0; i < 6; ++i) log.add(fmt::format(R"({{"type":"picture","of":"{}"}})", filling));
  const std::string all = read_on(log, place);
  CHECK(all.size() < EventLog::kMaxBytes + 1'000);
  CHECK(all.find("id: 1-6\n") != std::string::npos);
  CHECK(all.find("\"lines\":3}") != std::string::npos);
}
