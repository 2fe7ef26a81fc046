#include "harness/client/reply_keeper.hpp"

#include <boost/json.hpp>

namespace lab {

namespace {

boost::json::value value_of(std::string_view text, std::string_view key) {
  boost::json::error_code problem;
  const boost::json::value reply = boost::json::parse({text.data(), text.size()}, problem);
  const auto* object = problem ? nullptr : reply.if_object();
  const auto* value = object == nullptr ? nullptr : object->if_contains({key.data(), key.size()});
  return value == nullptr ? boost::json::value() : *value;
}

}  // namespace

std::optional<std::int64_t> json_number(std::string_view object, std::string_view key) {
  const boost::json::value value = value_of(object, key);
  return value.is_int64() ? std::optional(value.get_int64()) : std::nullopt;
}

std::optional<std::string> json_string(std::string_view object, std::string_view key) {
  const boost::json::value value = value_of(object, key);
  return value.is_string() ? std::optional<std::string>(value.get_string()) : std::nullopt;
}

}  // namespace lab
