#include "lab/servers/steps/process_pool.hpp"

#include <atomic>
#include <catch2/catch.hpp>

namespace lab {
namespace {

class JobNote final : public JobPool::Job {
 public:
  void run(std::uint16_t unit) override {
    taken_by = unit;
    order = next.fetch_add(1);
  }
  int taken_by = -1;
  int order = -1;
  static inline std::atomic<int> next{0};
};

}  // namespace

TEST_CASE("a pool runs every job once, first come, first served, before it closes") {
  JobNote::next = 0;
  std::vector<JobNote> notes(1000);
  {
    JobPool pool(1);
    for (JobNote& note : notes) pool.submit(note);
  }
  for (std::size_t i = 0; i < notes.size(); ++i) CHECK(notes[i].order == static_cast<int>(i));
}

TEST_CASE("a job knows which thread it got") {
  std::vector<JobNote> notes(100);
  {
    JobPool pool(3);
    for (JobNote& note : notes) pool.submit(note);
  }
  for (const JobNote& note : notes) CHECK((note.taken_by >= 0 && note.taken_by < 3));
}

}  // namespace lab
