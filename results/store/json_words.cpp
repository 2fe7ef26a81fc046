#include "results/store/json_words.hpp"

#include <cmath>
#include <utility>

#include "lab/core/utf8.hpp"

namespace lab {

namespace json = boost::json;

json::string json_text(std::string_view value) {
  return json::string(valid_utf8(value));
}

json::value json_text_or_null(std::string_view value) {
  if (value.empty()) return nullptr;
  return json_text(value);
}

json::value json_number(const std::optional<double>& value) {
  if (!value || !std::isfinite(*value)) return nullptr;
  return *value;
}

json::array json_texts(const std::vector<std::string>& values) {
  json::array array;
  for (const std::string& value : values) array.emplace_back(json_text(value));
  return array;
}

json::object json_books(const Books& books) {
  json::object errors;
  for (const auto& [kind, count] : books.errors) errors[valid_utf8(kind)] = count;
  json::object not_sent;
  for (const auto& [kind, count] : books.not_sent) not_sent[valid_utf8(kind)] = count;
  return {{"planned", books.planned},
          {"unsent", books.unsent},
          {"sent", books.sent},
          {"ok", books.ok},
          {"errors", std::move(errors)},
          {"unfinished", books.unfinished},
          {"not_sent", std::move(not_sent)}};
}

}  // namespace lab
