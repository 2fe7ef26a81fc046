// GCC calls these at every branch and comparison of what it compiles for the address sanitizer
// (cmake/Sanitizers.cmake); clang's libFuzzer, which belongs to another compiler, reads what they count. In
// programs that are no fuzzers nobody does.

#include <cstddef>
#include <cstdint>

#define LAB_UNCOUNTED __attribute__((no_sanitize_coverage, no_sanitize_address, no_sanitize_undefined))

namespace {

constexpr std::size_t kCounters = std::size_t{1} << 17;

// libFuzzer looks for this section: https://llvm.org/docs/LibFuzzer.html, "Extra counters".
__attribute__((section("__libfuzzer_extra_counters"))) std::uint8_t counters[kCounters];

}  // namespace

extern "C" {

// NOLINTBEGIN(readability-identifier-naming): the compiler's names

LAB_UNCOUNTED void __sanitizer_cov_trace_pc() {
  // From a place in this program, which stands elsewhere in memory at every start.
  const auto here = reinterpret_cast<std::uintptr_t>(&__sanitizer_cov_trace_pc);
  const auto branch = reinterpret_cast<std::uintptr_t>(__builtin_return_address(0)) - here;
  ++counters[(branch ^ branch >> 17U) % kCounters];
}

// Those of integers are libFuzzer's own, and the sanitizer's in other programs.
LAB_UNCOUNTED void __sanitizer_cov_trace_cmpf(float /*left*/, float /*right*/) {}
LAB_UNCOUNTED void __sanitizer_cov_trace_cmpd(double /*left*/, double /*right*/) {}

// NOLINTEND(readability-identifier-naming)
}
