#include "lab/course/json_keys.hpp"

#include <algorithm>
#include <set>
#include <vector>

namespace lab {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";

/// The string that begins at `at`, as it is written, quotes left out; `at` moves behind it.
std::string_view take_string(std::string_view json, std::size_t& at) {
  const std::size_t begin = ++at;
  while (at < json.size() && json[at] != '"') at += json[at] == '\\' ? 2 : 1;
  const std::size_t end = std::min(at, json.size());
  at = end + 1;
  return json.substr(begin, end - begin);
}

}  // namespace

std::string key_that_stands_twice(std::string_view json) {
  std::vector<std::set<std::string_view>> keys;  // of the objects and arrays that are open
  for (std::size_t at = 0; at < json.size();) {
    if (json[at] == '{' || json[at] == '[') keys.emplace_back();
    if ((json[at] == '}' || json[at] == ']') && !keys.empty()) keys.pop_back();
    if (json[at] != '"') {
      ++at;
      continue;
    }
    const std::string_view word = take_string(json, at);
    const std::size_t next = std::min(json.find_first_not_of(kBlanks, at), json.size());
    const bool is_key = next < json.size() && json[next] == ':';
    if (is_key && !keys.empty() && !keys.back().insert(word).second) return std::string(word);
  }
  return "";
}

}  // namespace lab
