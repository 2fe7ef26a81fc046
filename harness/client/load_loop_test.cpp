#include "harness/client/load_loop.hpp"

#include <catch2/catch.hpp>

namespace lab {
namespace {

std::vector<std::uint32_t> take_all(DueList& list) {
  std::vector<std::uint32_t> taken;
  while (!list.empty()) taken.push_back(list.take());
  return taken;
}

TEST_CASE("what is due first comes first, and of the same time what was put first") {
  DueList list;
  CHECK(list.take() == DueList::kNone);
  CHECK(list.next() == kNever);
  for (const auto& [index, at] : {std::pair<std::uint32_t, Nanos>{4, 20}, {0, 30}, {9, 20}, {2, 5}, {7, 25}})
    list.put(index, at);
  CHECK(list.next() == 5);
  CHECK(list.first() == 2);
  CHECK(take_all(list) == std::vector<std::uint32_t>{2, 4, 9, 7, 0});
}

TEST_CASE("what is taken out anywhere leaves the rest in order, and may come back") {
  DueList list;
  for (std::uint32_t index = 0; index < 5; ++index) list.put(index, 10 * Nanos{index});
  list.remove(2);
  list.remove(0);
  list.remove(4);
  list.remove(4);
  list.remove(99);
  CHECK(list.next() == 10);
  list.put(4, 1);
  list.put(3, 0);  // it moves
  CHECK(take_all(list) == std::vector<std::uint32_t>{3, 4, 1});
}

}  // namespace
}  // namespace lab
