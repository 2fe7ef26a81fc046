#pragma once
#include <algorithm>
#include <functional>
#include <iterator>
#include <utility>

// Emscripten 3.1.6 brings a libc++ without the algorithms of std::ranges; these are the ones that the lab
// uses.
namespace std::ranges {

template <class Projection>
auto projected_with(auto predicate, Projection projection) {
  return
      [=](const auto& element) -> bool { return std::invoke(predicate, std::invoke(projection, element)); };
}
template <class Projection>
auto compared_with(auto compare, Projection projection) {
  return [=](const auto& a, const auto& b) -> bool {
    return std::invoke(compare, std::invoke(projection, a), std::invoke(projection, b));
  };
}

template <class Range, class Predicate, class Projection = identity>
constexpr auto find_if(Range&& range, Predicate predicate, Projection projection = {}) {
  return std::find_if(std::begin(range), std::end(range), projected_with(predicate, projection));
}
template <class Range, class Predicate, class Projection = identity>
constexpr auto find_if_not(Range&& range, Predicate predicate, Projection projection = {}) {
  return std::find_if_not(std::begin(range), std::end(range), projected_with(predicate, projection));
}
template <class Range, class Value, class Projection = identity>
constexpr auto find(Range&& range, const Value& value, Projection projection = {}) {
  auto at = std::begin(range);
  while (at != std::end(range) && !(std::invoke(projection, *at) == value)) ++at;
  return at;
}
template <class Range, class Predicate, class Projection = identity>
constexpr bool any_of(Range&& range, Predicate predicate, Projection projection = {}) {
  return std::any_of(std::begin(range), std::end(range), projected_with(predicate, projection));
}
template <class Range, class Predicate, class Projection = identity>
constexpr bool all_of(Range&& range, Predicate predicate, Projection projection = {}) {
  return std::all_of(std::begin(range), std::end(range), projected_with(predicate, projection));
}
template <class Range, class Predicate, class Projection = identity>
constexpr bool none_of(Range&& range, Predicate predicate, Projection projection = {}) {
  return std::none_of(std::begin(range), std::end(range), projected_with(predicate, projection));
}
template <class Range, class Predicate, class Projection = identity>
constexpr auto count_if(Range&& range, Predicate predicate, Projection projection = {}) {
  return std::count_if(std::begin(range), std::end(range), projected_with(predicate, projection));
}
template <class Range, class Value, class Projection = identity>
constexpr auto count(Range&& range, const Value& value, Projection projection = {}) {
  return std::ranges::count_if(
      range, [&](const auto& each) { return each == value; }, projection);
}
template <class Range, class Compare = less, class Projection = identity>
constexpr auto sort(Range&& range, Compare compare = {}, Projection projection = {}) {
  std::sort(std::begin(range), std::end(range), compared_with(compare, projection));
  return std::end(range);
}
template <class Range, class Compare = less, class Projection = identity>
constexpr auto stable_sort(Range&& range, Compare compare = {}, Projection projection = {}) {
  std::stable_sort(std::begin(range), std::end(range), compared_with(compare, projection));
  return std::end(range);
}
template <class Range, class Compare = less, class Projection = identity>
constexpr bool is_sorted(Range&& range, Compare compare = {}, Projection projection = {}) {
  return std::is_sorted(std::begin(range), std::end(range), compared_with(compare, projection));
}
template <class Range, class Compare = less, class Projection = identity>
constexpr auto max_element(Range&& range, Compare compare = {}, Projection projection = {}) {
  return std::max_element(std::begin(range), std::end(range), compared_with(compare, projection));
}
template <class Range, class Compare = less, class Projection = identity>
constexpr auto min_element(Range&& range, Compare compare = {}, Projection projection = {}) {
  return std::min_element(std::begin(range), std::end(range), compared_with(compare, projection));
}
template <class Range, class Compare = less, class Projection = identity>
constexpr auto minmax_element(Range&& range, Compare compare = {}, Projection projection = {}) {
  const auto both =
      std::minmax_element(std::begin(range), std::end(range), compared_with(compare, projection));
  struct Both {
    decltype(both.first) min, max;
  };
  return Both{both.first, both.second};
}
template <class Range, class Compare = equal_to, class Projection = identity>
constexpr auto adjacent_find(Range&& range, Compare compare = {}, Projection projection = {}) {
  return std::adjacent_find(std::begin(range), std::end(range), compared_with(compare, projection));
}
template <class Range, class Value, class Compare = less, class Projection = identity>
constexpr auto lower_bound(Range&& range, const Value& value, Compare compare = {},
                           Projection projection = {}) {
  return std::lower_bound(std::begin(range), std::end(range), value,
                          [&](const auto& element, const Value& wanted) -> bool {
                            return std::invoke(compare, std::invoke(projection, element), wanted);
                          });
}
template <class Range, class Value, class Compare = less, class Projection = identity>
constexpr auto upper_bound(Range&& range, const Value& value, Compare compare = {},
                           Projection projection = {}) {
  return std::upper_bound(std::begin(range), std::end(range), value,
                          [&](const Value& wanted, const auto& element) -> bool {
                            return std::invoke(compare, wanted, std::invoke(projection, element));
                          });
}
template <class Range, class Out, class Predicate>
constexpr auto copy_if(Range&& range, Out out, Predicate predicate) {
  return std::copy_if(std::begin(range), std::end(range), out, predicate);
}
template <class Range, class Value>
constexpr void fill(Range&& range, const Value& value) {
  std::fill(std::begin(range), std::end(range), value);
}
template <class Range, class Old, class New>
constexpr void replace(Range&& range, const Old& old, const New& value) {
  std::replace(std::begin(range), std::end(range), old, value);
}
template <class Range, class Out, class Change>
constexpr auto transform(Range&& range, Out out, Change change) {
  return std::transform(std::begin(range), std::end(range), out, change);
}

}  // namespace std::ranges
