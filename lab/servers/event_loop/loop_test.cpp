#include "lab/servers/event_loop/loop.hpp"

#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <new>

// Sanitizers bring an operator new of their own, so there nothing is counted.
namespace {
thread_local std::int64_t t_allocator_calls = 0;
}  // namespace

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
// NOLINTBEGIN(misc-new-delete-overloads)
// Not inline: GCC would see malloc on one side of a pair alone, and warn.
[[gnu::noinline]] void* operator new(std::size_t size) {
  ++t_allocator_calls;
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  ++t_allocator_calls;
  std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t /*size*/) noexcept {
  ++t_allocator_calls;
  std::free(memory);
}
// NOLINTEND(misc-new-delete-overloads)
#endif

namespace lab {

namespace {

constexpr int kTasks = 3;
std::array<std::int64_t, kTasks>
    g_calls_before{};  // of the allocator, in the pool's thread, before each task

Task send_to_pool(Loop& loop) {
  for (int i = 0; i < kTasks; ++i) {
    const PoolTask task{
        .run = [](const PoolTask& own,
                  std::uint16_t) { g_calls_before.at(own.place.position) = t_allocator_calls; },
        .place = {.position = i}};
    co_await loop.in_pool(task);
  }
  loop.context().stop();
}

}  // namespace

TEST_CASE("a thread of the pool gives its work back without allocating or freeing anything") {
  Loop loop;
  loop.start_pool(1);
  boost::asio::co_spawn(loop.executor(), send_to_pool(loop), boost::asio::detached);
  loop.context().run();
  CHECK(g_calls_before[1] == g_calls_before[0]);
  CHECK(g_calls_before[2] == g_calls_before[0]);
}

TEST_CASE("a loop that stays awake for a moment runs what is ready, and one handler of it") {
  Loop loop;
  int ran = 0;
  CHECK(poll_a_moment(loop.context()) == 0);
  for (int i = 0; i < 2; ++i) boost::asio::post(loop.context(), [&ran] { ++ran; });
  CHECK(poll_a_moment(loop.context()) == 1);
  CHECK(ran == 1);
  CHECK(poll_a_moment(loop.context()) == 1);
  CHECK(ran == 2);
}

TEST_CASE("a loop that stays awake for a moment sees bytes that have come") {
  Loop loop;
  std::array<int, 2> ends{};
  REQUIRE(pipe(ends.data()) == 0);
  boost::asio::posix::stream_descriptor reading(loop.context(), ends[0]);
  bool seen = false;
  reading.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                     [&seen](const boost::system::error_code& problem) { seen = !problem; });
  REQUIRE(write(ends[1], "x", 1) == 1);
  CHECK(poll_a_moment(loop.context()) == 1);
  CHECK(seen);
  close(ends[1]);
}

}  // namespace lab
