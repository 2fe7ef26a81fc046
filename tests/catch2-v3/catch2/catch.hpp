#pragma once
// Stands before the include path where Catch2 is version 3 (Ubuntu 24.04, Debian 13), which has no
// catch2/catch.hpp: the tests are written for 2.13, and these are the names that moved.

#include <catch2/catch_all.hpp>
#include <concepts>
#include <string>
#include <utility>

namespace Catch::Matchers {

/// In version 3 `Contains` asks about the elements of a range; of a text it is called ContainsSubstring.
template <class Text>
requires std::convertible_to<Text, std::string>
auto Contains(Text&& text) {  // NOLINT(readability-identifier-naming)
  return ContainsSubstring(std::string(std::forward<Text>(text)));
}

}  // namespace Catch::Matchers

namespace Catch {
using Matchers::Contains;
using Matchers::StartsWith;
}  // namespace Catch

using Catch::Approx;
