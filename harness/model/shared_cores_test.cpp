#include "harness/model/shared_cores.hpp"

#include <catch2/catch.hpp>

using namespace lab;

TEST_CASE("Jobs beyond the number of cores slow each other down") {
  SharedCores cores(2);
  for (std::uint32_t job = 0; job < 4; ++job) cores.add(job, 100, 0);
  CHECK(cores.next() == 200);
  for (std::uint32_t job = 0; job < 4; ++job) CHECK(cores.finish() == job);
  CHECK(cores.next() == kNever);
}

TEST_CASE("A job has one core at most") {
  SharedCores cores(8);
  cores.add(3, 100, 50);
  CHECK(cores.next() == 150);
}

TEST_CASE("A newcomer delays who is there, and a leaver speeds them up") {
  SharedCores cores(1);
  cores.add(0, 100, 0);
  cores.add(1, 20, 50);  // job 0 has 50 left; both at half speed
  CHECK(cores.next() == 90);
  CHECK(cores.finish() == 1);
  CHECK(cores.next() == 120);  // job 0 had 20 of them
  CHECK(cores.finish() == 0);
}

TEST_CASE("A removed job tells what is left of it and no longer takes its share") {
  SharedCores cores(1);
  cores.add(0, 100, 0);
  cores.add(1, 100, 0);
  cores.add(2, 100, 0);
  CHECK(cores.remove(1, 30) == 90.0);
  CHECK(cores.next() == 30 + 180);
  CHECK(cores.finish() == 0);
  CHECK(cores.finish() == 2);
  CHECK(cores.next() == kNever);
}

TEST_CASE("Whatever comes and goes, the work done is the work asked for") {
  // One core never idles here, so the last job ends at the sum of all work.
  SharedCores cores(1);
  std::uint64_t state = 1;
  const auto draw = [&state](std::uint64_t below) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    return (state >> 33) % below;
  };
  double asked = 0;
  Nanos now = 0;
  std::uint32_t jobs = 0;
  for (; jobs < 200; ++jobs) {
    const double work = 1000 + static_cast<double>(draw(100'000));
    asked += work;
    cores.add(jobs, work, now);
    if (draw(3) == 0) {
      now = cores.next();
      cores.finish();
    }
  }
  while (cores.next() != kNever) {
    CHECK(cores.next() >= now);
    now = cores.next();
    cores.finish();
  }
  CHECK(static_cast<double>(now) == Approx(asked).margin(200));
}
