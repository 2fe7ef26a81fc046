#include "lab/servers/steps/connection_pool.hpp"

#include <catch2/catch.hpp>
#include <thread>

namespace lab {
namespace {

struct Note final : ConnectionPool::Waiter {
  void granted(std::uint16_t unit) override { got = unit; }
  int got = -1;
};

}  // namespace

TEST_CASE("connections are handed out lowest number first, then to who came first") {
  ConnectionPool gate(2);
  Note first;
  Note second;
  Note third;
  CHECK(gate.take(&first) == 0);
  CHECK(gate.take() == 1);
  CHECK_FALSE(gate.take());
  CHECK_FALSE(gate.take(&second));
  CHECK_FALSE(gate.take(&third));
  gate.give(1);
  CHECK(second.got == 1);
  CHECK(third.got == -1);
  gate.give(1);
  CHECK(third.got == 1);
  gate.give(1);
  gate.give(0);
  CHECK(gate.take() == 0);
}

TEST_CASE("a thread that waits for a connection gets the next one") {
  ConnectionPool gate(1);
  CHECK(gate.take_blocking(0) == 0);
  std::optional<std::uint16_t> got;
  std::thread other([&] { got = gate.take_blocking(0); });
  while (gate.waiting() == 0) std::this_thread::yield();
  gate.give(0);
  other.join();
  CHECK(got == 0);
}

TEST_CASE("a thread's patience for a connection ends") {
  ConnectionPool gate(1);
  CHECK(gate.take() == 0);
  CHECK_FALSE(gate.take_blocking(1));
  CHECK(gate.waiting() == 0);
}

}  // namespace lab
