#pragma once

#include <boost/describe.hpp>
#include <boost/mp11.hpp>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/text.hpp"
#include "scenarios/loader/draft.hpp"

namespace lab {

/// A figure as people write it: `1s`, which is one second, or a plain number.
struct Figure {
  double value = 0;
  bool is_time = false;
};

/// Reads values by their type. A described struct is a table whose keys are its members (`case_id` stands
/// under `case`); its `kMayLack` names, between blanks, those that may be absent. Structs in an array may
/// also be tables of a table, whose keys are their `id`s.
class DescribedToml {
 public:
  explicit DescribedToml(Draft& draft) : draft_(&draft) {}

  template <class T>
  void read(const toml::node& node, const std::string& what, T& to) const {
    using Members = boost::describe::describe_members<T, boost::describe::mod_public>;
    std::vector<std::string> keys;
    boost::mp11::mp_for_each<Members>([&](auto member) { keys.push_back(key_of(member.name)); });
    const TableReader reader(*draft_, value_of(node, what).table(what + " must be a table"), what);
    reader.only(keys);
    boost::mp11::mp_for_each<Members>([&](auto member) {
      const std::string key = key_of(member.name);
      const Value value = may_lack<T>(key) ? reader[key] : reader.need(key, "a text or a list");
      if (value) read(*value, key + " of " + what, to.*member.pointer);
    });
  }
  void read(const toml::node& node, const std::string& what, std::string& to) const {
    to = value_of(node, what).text(true);
    while (to.ends_with('\n')) to.pop_back();
  }
  void read(const toml::node& node, const std::string& what, Figure& to) const {
    if (!node.is_number() && !node.is_string())
      draft_->problems.at(node.source(), "{} must be a number or a duration", what);
    to = {node.value<double>().value_or(0), node.is_string()};
    if (!to.is_time) return;
    to.value = seconds(value_of(node, what).checked(parse_duration(node.as_string()->get())));
  }
  template <class T>
  void read(const toml::node& node, const std::string& what, std::optional<T>& to) const {
    read(node, what, to.emplace());
  }
  void read(const toml::node& node, const std::string& what, std::map<std::string, std::string>& to) const {
    for (const auto& [key, value] : value_of(node, what).table(what + " must be a table"))
      read(value, what, to[std::string(key.str())]);
  }
  template <class T>
  void read(const toml::node& node, const std::string& what, std::vector<T>& to) const {
    if constexpr (requires(T entry) { entry.id; }) {
      if (const toml::table* named = node.as_table()) {
        for (const auto& [key, value] : in_file_order(*named)) {
          read(*value, what, to.emplace_back());
          to.back().id = key->str();
        }
        return;
      }
    }
    const toml::array* array = node.as_array();
    if (array == nullptr) draft_->problems.at(node.source(), "{} must be an array", what);
    for (const toml::node& entry : *array) read(entry, "each of " + what, to.emplace_back());
  }

 private:
  static std::string key_of(const std::string& member) { return member == "case_id" ? "case" : member; }
  template <class T>
  static bool may_lack(const std::string& key) {
    if constexpr (requires { T::kMayLack; }) return contains(split(T::kMayLack, ' '), key);
    return false;
  }

  Value value_of(const toml::node& node, const std::string& what) const {
    return {*draft_, &node, node.source(), what};
  }

  Draft* draft_;
};

/// A whole file. Throws Failure, whose message begins with `file:line:column`.
template <class T>
T read_described(std::string_view toml, const std::string& file) {
  const Overrides unchanged;
  Draft draft(file, {}, unchanged);
  T all;
  const toml::table table = parse_toml(toml, draft.problems);
  DescribedToml(draft).read(table, "the file", all);
  return all;
}

}  // namespace lab
