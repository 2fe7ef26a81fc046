#include "lab/servers/http/reply.hpp"

#include <catch2/catch.hpp>
#include <ctime>

namespace lab {

TEST_CASE("local time has microseconds and all its digits") {
  constexpr std::time_t kSecondOfDay = 1'700'000'003;
  std::tm fields{};
  localtime_r(&kSecondOfDay, &fields);
  char second[40];
  std::strftime(second, sizeof second, "%Y-%m-%d %H:%M:%S", &fields);
  std::string text = "at ";
  append_local_time(text, kSecondOfDay * kSecond + 4'005'999);
  CHECK(text == "at " + std::string(second) + ".004005");
}

TEST_CASE("a reply says how long its handler took in milliseconds, rounded to microseconds") {
  for (const auto& [took, words] : {std::pair<Nanos, std::string>{100'056'499, "dur=100.056\r\n"},
                                    {100'056'500, "dur=100.057\r\n"},
                                    {7'000, "dur=0.007\r\n"}}) {
    std::string reply;
    append_reply(reply, {.service = took}, "{}");
    CHECK(reply.find("Server-Timing: handler;" + words) != std::string::npos);
  }
}

}  // namespace lab
