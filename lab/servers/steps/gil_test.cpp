#include "lab/servers/steps/gil.hpp"

#include <catch2/catch.hpp>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace lab {
namespace {

constexpr Nanos kNeverAsked = 3600 * kSecond;

void until(const std::function<bool()>& condition) {
  while (!condition()) std::this_thread::yield();
}

}  // namespace

TEST_CASE("an interpreter lock that nobody else wants is taken at once and not contended") {
  Gil gil;
  gil.acquire();
  CHECK_FALSE(gil.wanted());
  CHECK_FALSE(gil.release().contended);
}

TEST_CASE("the interpreter lock goes to who came first") {
  Gil gil(kNeverAsked);
  std::string order;
  gil.acquire();
  std::vector<std::thread> threads;
  for (const char name : {'a', 'b', 'c'}) {
    threads.emplace_back([&gil, &order, name] {
      gil.acquire();
      order += name;
      gil.release();
    });
    until([&] { return gil.waiting() == threads.size(); });
  }
  CHECK(gil.release().contended);
  for (std::thread& thread : threads) thread.join();
  CHECK(order == "abc");
}

TEST_CASE("a waiter whose patience is over asks the holder to give way, who then stands last") {
  Gil gil(0);
  std::string order;
  gil.acquire();
  std::thread first([&] {
    gil.acquire();
    order += '1';
    until([&] { return gil.waiting() == 2; });
    gil.release();
  });
  until([&] { return gil.wanted(); });
  std::thread second([&] {
    gil.acquire();
    order += '2';
    gil.release();
  });
  until([&] { return gil.waiting() == 2; });
  gil.release();
  gil.acquire();
  order += '0';
  CHECK_FALSE(gil.wanted());
  gil.release();
  first.join();
  second.join();
  CHECK(order == "120");
}

TEST_CASE("nobody asks before the switch interval is over") {
  Gil gil(kNeverAsked);
  gil.acquire();
  std::thread other([&gil] {
    gil.acquire();
    gil.release();
  });
  until([&gil] { return gil.waiting() == 1; });
  CHECK_FALSE(gil.wanted());
  gil.release();
  other.join();
}

}  // namespace lab
