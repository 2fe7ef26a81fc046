#include "lab/servers/steps/counter.hpp"

#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>

namespace lab {

TEST_CASE("a worker's own counter counts from one") {
  Counter counter("");
  CHECK(*counter.increment() == 1);
  CHECK(*counter.increment() == 2);
}

TEST_CASE("a shared counter goes on where another one stopped") {
  const std::filesystem::path file =
      std::filesystem::temp_directory_path() / ("lab-counter-" + std::to_string(getpid()) + ".sqlite");
  {
    Counter one(file.string());
    Counter two(file.string());
    CHECK(*one.increment() == 1);
    CHECK(*two.increment() == 2);
    CHECK(*one.increment() == 3);
  }
  std::filesystem::remove(file);
}

TEST_CASE("a store that cannot be opened is an error that names it") {
  Counter counter("/no/such/folder/counters");
  const auto opened = counter.open();
  REQUIRE_FALSE(opened.has_value());
  CHECK(opened.error().message.find("/no/such/folder/counters") == 0);
  CHECK_FALSE(counter.increment().has_value());
}

}  // namespace lab
