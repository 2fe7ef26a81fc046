#include "results/json_words.hpp"

#include <cmath>

#include "results/utf8.hpp"

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

}  // namespace lab
