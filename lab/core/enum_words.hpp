#pragma once

#include <array>
#include <boost/describe/enum.hpp>
#include <boost/describe/enumerators.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

template <template <class...> class List, class... Enumerators>
constexpr std::array<std::string_view, sizeof...(Enumerators)> names_in(List<Enumerators...> /*all*/) {
  return {Enumerators::name...};
}

/// The words of an enum whose values BOOST_DESCRIBE_ENUM lists, all of them in order, from 0 on.
template <class Enum>
requires boost::describe::has_describe_enumerators<Enum>::value inline constexpr auto kWordsOf =
    names_in(boost::describe::describe_enumerators<Enum>());

/// `?` for what is none of its values.
template <class Enum>
requires boost::describe::has_describe_enumerators<Enum>::value constexpr std::string_view to_string(
    Enum value) {
  const auto index = static_cast<std::size_t>(value);
  return index < kWordsOf<Enum>.size() ? kWordsOf<Enum>[index] : "?";
}

template <class Enum>
std::vector<std::string> words_of() {
  return {kWordsOf<Enum>.begin(), kWordsOf<Enum>.end()};
}

}  // namespace lab
