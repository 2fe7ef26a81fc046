#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

#include "lab/core/clock.hpp"

namespace lab {

/// How much of many spans lies between two moments: for how long requests waited, or computed, all in all.
class Overlap {
 public:
  void add(Nanos from, Nanos to) {
    if (to <= from) return;
    begins_.moments.push_back(from);
    ends_.moments.push_back(to);
  }
  /// Call it once, after the last add().
  void prepare() {
    begins_.sum_up();
    ends_.sum_up();
  }
  Nanos between(Nanos from, Nanos to) const { return static_cast<Nanos>(until(to) - until(from)); }

 private:
  /// Moments in order, with their sums. These run over and their differences come out right, as unsigned
  /// numbers do.
  struct Moments {
    std::vector<Nanos> moments;
    std::vector<std::uint64_t> sums{0};

    void sum_up() {
      std::sort(moments.begin(), moments.end());
      sums.reserve(moments.size() + 1);
      for (const Nanos moment : moments) sums.push_back(sums.back() + static_cast<std::uint64_t>(moment));
    }
    /// How much time has passed since all those before `at`.
    std::uint64_t passed(Nanos at) const {
      const auto before =
          static_cast<std::size_t>(std::lower_bound(moments.begin(), moments.end(), at) - moments.begin());
      return before * static_cast<std::uint64_t>(at) - sums[before];
    }
  };
  std::uint64_t until(Nanos at) const { return begins_.passed(at) - ends_.passed(at); }

  Moments begins_, ends_;
};

}  // namespace lab
