// Nothing between a reply and the next request may allocate: every operator new of this program is counted.
// Sanitizers bring an operator new of their own, so there the test is left to the other builds.
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

#include <atomic>
#include <catch2/catch.hpp>
#include <cstdlib>
#include <cstring>
#include <new>

#include "harness/client/load_engine.hpp"
#include "harness/client/testing/fake_transport.hpp"

namespace {
std::atomic<std::int64_t> g_allocations{0};
}  // namespace

// NOLINTBEGIN(misc-new-delete-overloads)
void* operator new(std::size_t size) {
  g_allocations.fetch_add(1, std::memory_order_relaxed);
  if (void* const memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*size*/) noexcept {
  std::free(memory);
}
// NOLINTEND(misc-new-delete-overloads)

using namespace lab;

namespace {

/// Answers every request at the next look, and allocates nothing itself.
class InstantTransport final : public Transport {
 public:
  explicit InstantTransport(VirtualClock& clock) : clock_(clock) {}
  int open(std::uint32_t connection) override {
    news_[count_++] = {connection, false, true, false};
    return 0;
  }
  int opened(std::uint32_t) override { return 0; }
  std::uint16_t local_port(std::uint32_t) override { return 1; }
  ssize_t send(std::uint32_t connection, std::string_view bytes) override {
    news_[count_++] = {connection, true, true, false};
    owed_[connection] = true;
    return static_cast<ssize_t>(bytes.size());
  }
  ssize_t receive(std::uint32_t connection, std::span<char> into) override {
    if (!owed_[connection]) return -EAGAIN;
    owed_[connection] = false;
    std::memcpy(into.data(), kReply.data(), kReply.size());
    return static_cast<ssize_t>(kReply.size());
  }
  void close(std::uint32_t) override {}
  std::span<const Readiness> wait(Nanos until) override {
    clock_.time = count_ == 0 && until > clock_.time ? until : clock_.time + kMicrosecond;
    reported_ = news_;
    const std::size_t count = count_;
    count_ = 0;
    return {reported_.data(), count};
  }
  bool interrupted() const override { return false; }

 private:
  static constexpr std::string_view kReply =
      "HTTP/1.1 200 OK\r\nServer: test\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok";
  VirtualClock& clock_;
  std::array<Readiness, 64> news_{}, reported_{};
  std::array<bool, 64> owed_{};
  std::size_t count_ = 0;
};

std::int64_t allocations_of(Arrivals arrivals, std::size_t arena_size) {
  EnginePlan plan;
  plan.requests.push_back({"GET / HTTP/1.1\r\nHost: x\r\n\r\n"});
  plan.arrivals = arrivals;
  plan.curve = {50'000, 50'000, 0};
  plan.expected.set(200);
  plan.clients = plan.most = 16;
  plan.planned = 20'000;
  VirtualClock clock;
  InstantTransport transport(clock);
  SampleArena arena(arena_size);
  LoadEngine engine(plan, arena, clock, transport);
  engine.open_connections(clock.time + kSecond);
  const std::int64_t before = g_allocations;
  engine.run(clock.time + kMillisecond);
  const std::int64_t made = g_allocations - before;
  REQUIRE(engine.counts().ok == 20'000);
  return made;
}

}  // namespace

TEST_CASE("sending and recording allocate nothing") {
  CHECK(allocations_of(Arrivals::closed, 100'000) == 0);
  CHECK(allocations_of(Arrivals::constant, 100'000) == 0);
  CHECK(allocations_of(Arrivals::poisson, 100'000) == 0);
}

TEST_CASE("nor does counting in histograms when there is no more room for samples") {
  CHECK(allocations_of(Arrivals::closed, 4096) == 0);
}

#endif
