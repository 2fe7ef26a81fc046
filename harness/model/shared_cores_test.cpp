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

TEST_CASE("A removed job reports what is left of it and no longer takes its share") {
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

TEST_CASE("In slices those who began together end one after the other, and the last when all work is done") {
  const auto ends = [](int cores, std::uint32_t jobs, double work, Nanos slice) {
    SharedCores shared(cores, slice);
    for (std::uint32_t job = 0; job < jobs; ++job) shared.add(job, work, 0);
    std::vector<Nanos> at;
    while (shared.next() != kNever) {
      const Nanos now = shared.next();
      if (const auto job = shared.finish()) {
        CHECK(*job == at.size());
        at.push_back(now);
      }
    }
    return at;
  };
  CHECK(ends(2, 4, 100, 10) == std::vector<Nanos>{190, 190, 200, 200});
  CHECK(ends(2, 2, 100, 10) == std::vector<Nanos>{100, 100});
  CHECK(ends(1, 3, 100, 10) == std::vector<Nanos>{280, 290, 300});
  // Work shorter than a slice is done at one go.
  CHECK(ends(2, 6, 5, 10) == std::vector<Nanos>{5, 5, 10, 10, 15, 15});
  CHECK(ends(4, 1, 100, 10) == std::vector<Nanos>{100});
}

TEST_CASE("In slices a job that gets a core again says for how long it had none") {
  SharedCores cores(1, 10);
  std::vector<std::pair<std::uint32_t, Nanos>> resumed;
  cores.resumed = [&](std::uint32_t job, Nanos waited) { resumed.emplace_back(job, waited); };
  cores.add(0, 15, 0);
  cores.add(1, 15, 0);
  for (int i = 0; i < 4; ++i) cores.finish();
  CHECK(resumed == std::vector<std::pair<std::uint32_t, Nanos>>{{1, 10}, {0, 10}, {1, 5}});
}

TEST_CASE("In slices a newcomer waits for the rest of one; what is left of a removed job is its own") {
  SharedCores cores(1, 10);
  cores.add(0, 100, 0);
  CHECK(cores.next() == 100);
  cores.add(1, 5, 33);  // job 0 has had its slice long ago
  CHECK(cores.next() == 38);
  CHECK(cores.remove(0, 36) == 67.0);
  CHECK(cores.finish() == 1);
  CHECK(cores.next() == kNever);
  cores.add(2, 50, 40);
  cores.add(3, 50, 40);
  CHECK(cores.remove(2, 44) == 46.0);
  CHECK(cores.next() == 94);
  cores.add(4, 5, 46);  // three has come just now
  CHECK(cores.next() == 54);
  CHECK(cores.finish() == std::nullopt);
  CHECK(cores.next() == 59);
}
