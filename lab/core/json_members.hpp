#pragma once

#include <algorithm>
#include <boost/json.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "lab/core/text.hpp"

namespace lab {

/// A JSON object that somebody else wrote: a member that is missing or of another kind counts as empty. It
/// refers to the value, which has to stay.
class JsonMembers {
 public:
  explicit JsonMembers(const boost::json::object& object) : object_(object) {}
  /// Of what is no object: one without members.
  explicit JsonMembers(const boost::json::value& value)
      : JsonMembers(value.is_object() ? value.get_object() : nothing()) {}

  bool empty() const { return object_.empty(); }

  std::optional<double> real(const char* key) const {
    boost::json::error_code problem;
    const boost::json::value* value = object_.if_contains(key);
    const double number = value != nullptr ? value->to_number<double>(problem) : 0;
    return value == nullptr || problem ? std::nullopt : std::optional(number);
  }
  std::int64_t number(const char* key) const {
    boost::json::error_code problem;
    const boost::json::value* value = object_.if_contains(key);
    const auto number = value != nullptr ? value->to_number<std::int64_t>(problem) : 0;
    return problem ? 0 : number;
  }
  /// From 0 to 2^30.
  int count(const char* key) const {
    return static_cast<int>(std::clamp<std::int64_t>(number(key), 0, 1 << 30));
  }
  std::optional<bool> flag(const char* key) const {
    const boost::json::value* value = object_.if_contains(key);
    return value != nullptr && value->is_bool() ? std::optional(value->get_bool()) : std::nullopt;
  }
  /// Printable.
  std::string text(const char* key) const { return text_in(object_.if_contains(key)); }
  const boost::json::array& list(const char* key) const {
    static const boost::json::array kNone;
    const boost::json::value* value = object_.if_contains(key);
    return value != nullptr && value->is_array() ? value->get_array() : kNone;
  }
  JsonMembers object(const char* key) const {
    const boost::json::value* value = object_.if_contains(key);
    return value != nullptr ? JsonMembers(*value) : JsonMembers(nothing());
  }

  static std::string text_in(const boost::json::value* value) {
    const boost::json::string* text = value != nullptr ? value->if_string() : nullptr;
    return text != nullptr ? printable({text->data(), text->size()}, false) : "";
  }

 private:
  static const boost::json::object& nothing() {
    static const boost::json::object kNothing;
    return kNothing;
  }

  const boost::json::object& object_;
};

}  // namespace lab
