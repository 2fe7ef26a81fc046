#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/json.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "lab/core/clock.hpp"
#include "lab/core/temporary.hpp"
#include "lab/servers/event_loop/loop.hpp"
#include "lab/servers/event_loop/loop_watch.hpp"

using namespace lab;

namespace {

std::ptrdiff_t threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return std::distance(begin(tasks), end(tasks));
}

/// A folder for the lines, named to this process for as long as it is there.
class Lines {
 public:
  Lines() { setenv("LAB_INSIDE", folder_.path().c_str(), 1); }
  Lines(const Lines&) = delete;
  Lines& operator=(const Lines&) = delete;
  ~Lines() { unsetenv("LAB_INSIDE"); }

  /// The first line of this kind, with something in the list `filled`; null: there is none.
  boost::json::value first(const char* kind, const char* filled = nullptr) const {
    std::ifstream file(folder_.path() / fmt::format("{}.jsonl", getpid()));
    for (std::string line; std::getline(file, line);) {
      boost::json::error_code unfinished;
      boost::json::value value = boost::json::parse(line, unfinished);
      if (unfinished || value.at("kind") != kind) continue;
      if (filled == nullptr || !value.at(filled).as_array().empty()) return value;
    }
    return nullptr;
  }

 private:
  TemporaryFolder folder_ = TemporaryFolder::create("lab-files").value();
};

constexpr Nanos kPatience = 20 * kSecond;

}  // namespace

TEST_CASE("Without LAB_INSIDE nothing watches a loop") {
  boost::asio::io_context context;
  const auto before = threads();
  const inside::LoopWatch watch(context);
  CHECK(threads() == before);
}

TEST_CASE("A watch says which thread runs the loop, and where that is while the loop is late") {
  const Lines lines;
  boost::asio::io_context context;
  const auto stay = boost::asio::make_work_guard(context);  // it stops where it has nothing to do
  const inside::LoopWatch watch(context);
  const Nanos end = monotonic_now() + kPatience;
  while (lines.first("hello").is_null() && monotonic_now() < end)
    context.run_one_for(std::chrono::milliseconds(1));
  // On a busy machine a sample may come before the thread has said where it is: then it has no stack.
  boost::asio::post(context, [&] {
    while (lines.first("late", "stack").is_null() && monotonic_now() < end) {
    }
  });
  while (lines.first("late", "stack").is_null() && monotonic_now() < end)
    context.run_one_for(std::chrono::milliseconds(1));
  const boost::json::value hello = lines.first("hello"), late = lines.first("late", "stack");
  REQUIRE(late.is_object());
  CHECK(hello.at("thread").to_number<pid_t>() == gettid());
  CHECK(hello.at("loop") == "asio");
  CHECK(late.at("thread") == hello.at("thread"));
  const std::string program = std::filesystem::read_symlink("/proc/self/exe");
  CHECK(std::ranges::any_of(late.at("stack").as_array(), [&](const auto& frame) {
    return frame.at(0).as_string() == program.c_str() && frame.at(3).template to_number<std::int64_t>() > 0;
  }));
}

TEST_CASE("A program that uses the signal itself keeps it") {
  const Lines lines;
  struct sigaction own {};
  own.sa_handler = SIG_IGN;
  struct sigaction before {};
  struct sigaction after {};
  REQUIRE(sigaction(SIGURG, &own, &before) == 0);
  {
    boost::asio::io_context context;
    const inside::LoopWatch watch(context);
  }
  REQUIRE(sigaction(SIGURG, &before, &after) == 0);
  CHECK(after.sa_handler == SIG_IGN);
}
