#include <fmt/format.h>

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "lab/course/grade.hpp"
#include "lab/course/json_keys.hpp"

namespace lab {

namespace {

namespace json = boost::json;

constexpr std::size_t kLongestWord = 200;
constexpr std::int64_t kMaxCores = 4096;

/// Reads one file; everything that is wrong is thrown with its place.
class Reader {
 public:
  explicit Reader(std::string file) : file_(std::move(file)) {}

  [[noreturn]] void refuse(const std::string& problem) const {
    throw Failure(usage_error("{}: {}", file_, problem));
  }

  std::string word(const json::value& value, std::string_view key) const {
    if (!value.is_string()) refuse(fmt::format("\"{}\" must be a text", key));
    std::string text(value.as_string());
    if (text.empty() || text.size() > kLongestWord)
      refuse(fmt::format("\"{}\" must have 1 to {} letters", key, kLongestWord));
    return text;
  }

  std::int64_t count(const json::value& value, std::string_view key, std::int64_t least,
                     std::int64_t most) const {
    boost::system::error_code error;
    const auto number = value.is_number() ? value.to_number<std::int64_t>(error) : 0;
    if (!value.is_number() || error || number < least || number > most)
      refuse(fmt::format("\"{}\" must be a whole number from {} to {}", key, least, most));
    return number;
  }

  double number(const json::value& value, std::string_view key) const {
    if (!value.is_number()) refuse(fmt::format("\"{}\" must be a number", key));
    return value.to_number<double>();
  }

  /// As one would type it: `3 s`.
  std::string answer(const json::value& value, const std::string& id) const {
    if (value.is_null()) return "";
    if (value.is_string()) return std::string(value.as_string());
    if (value.is_number()) return fmt::format("{}", number(value, id));
    const json::object* object = value.if_object();
    const json::value* amount = object == nullptr ? nullptr : object->if_contains("value");
    if (amount == nullptr)
      refuse(fmt::format(R"("{0}": write "3 s" or {{"value": 3, "unit": "s"}}; null is no answer)", id));
    const json::value* unit = object->if_contains("unit");
    for (const auto& [key, ignored] : *object) known(key, {"value", "unit"}, "\"" + id + "\"");
    const bool bare = unit == nullptr || unit->is_null() || (unit->is_string() && unit->as_string().empty());
    return fmt::format("{}{}", number(*amount, id + ".value"), bare ? "" : word(*unit, id + ".unit"));
  }

  Overrides settings(const json::value& value) const {
    if (!value.is_object()) refuse(R"("settings" must be an object such as {"d": "200ms", "requests": 13})");
    Overrides settings;
    for (const auto& [name, setting] : value.as_object()) {
      const std::string key(name);
      if (key == "requests") {
        settings.requests = count(setting, key, 1, 10'000'000);
      } else if (key == "workers") {
        settings.workers = static_cast<int>(count(setting, key, 1, 10'000));
      } else if (key == "threads") {
        settings.threads = static_cast<int>(count(setting, key, 1, 100'000));
      } else if (key == "scale") {
        settings.scale = number(setting, key);
        if (!(settings.scale > 0 && settings.scale <= 1000))
          refuse("\"scale\" must be above 0, at most 1000");
      } else {
        const auto span = parse_duration(word(setting, key));
        if (!span) refuse(fmt::format("\"settings\": {}: {}", key, span.error().message));
        settings.params[key] = *span;
      }
    }
    return settings;
  }

  void known(std::string_view key, const std::vector<std::string>& keys, const std::string& where) const {
    for (const std::string& candidate : keys) {
      if (key == candidate) return;
    }
    refuse(fmt::format("{}: unknown key \"{}\"{}", where, key.substr(0, 60), suggestion(key, keys)));
  }

 private:
  std::string file_;
};

AnswerFile read(const Reader& reader, const json::object& object) {
  const std::vector<std::string> keys = {"schema",  "scenario", "seed",     "student",
                                         "variant", "cores",    "settings", "answers"};
  AnswerFile answers;
  for (const auto& [name, value] : object) {
    const std::string key(name);
    reader.known(key, keys, "the answer file");
    if (key == "scenario") answers.scenario = reader.word(value, key);
    if (key == "seed") answers.seed = reader.count(value, key, 0, INT64_MAX);
    if (key == "student" && !value.is_null()) answers.student = reader.word(value, key);
    if (key == "variant" && !value.is_null()) answers.variant = reader.word(value, key);
    if (key == "cores") answers.cores = static_cast<int>(reader.count(value, key, 1, kMaxCores));
    if (key == "settings") answers.settings = reader.settings(value);
    if (key != "answers") continue;
    if (!value.is_object()) reader.refuse(R"("answers" must be an object such as {"gil-1": "400 ms"})");
    for (const auto& [id, given] : value.as_object())
      answers.answers.emplace_back(id, reader.answer(given, std::string(id)));
  }
  if (answers.scenario.empty()) reader.refuse(R"("scenario" is missing, such as "blocking-async")");
  if (object.if_contains("answers") == nullptr) reader.refuse(R"("answers" is missing)");
  return answers;
}

}  // namespace

namespace {

/// `line:column`, from 1.
std::string place_of(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto lines = std::count(before.begin(), before.end(), '\n');
  return fmt::format("{}:{}", lines + 1, at - (before.rfind('\n') + 1) + 1);
}

}  // namespace

Result<AnswerFile> parse_answer_file(std::string_view text, const std::string& file) {
  boost::system::error_code error;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // as Windows' editor begins a file
  json::stream_parser parser;
  const std::size_t read_so_far = parser.write(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  if (error && valid_utf8(text) != text) return usage_error("{}: is not UTF-8; save it as UTF-8", file);
  if (error) return usage_error("{}:{}: is not JSON: {}", file, place_of(text, read_so_far), error.message());
  const json::value document = parser.release();
  if (const std::string twice = key_that_stands_twice(text); !twice.empty())
    return usage_error("{}: \"{}\" stands twice in one object; leave one", file, twice.substr(0, 60));
  const json::object* object = document.if_object();
  const json::value* schema = object == nullptr ? nullptr : object->if_contains("schema");
  if (schema == nullptr || *schema != "lab.answers/1") {
    return usage_error(
        "{}: is no answer file of this version: it must be a JSON object with \"schema\": "
        "\"lab.answers/1\"{}",
        file, schema == nullptr ? "" : fmt::format(", not {}", json::serialize(*schema).substr(0, 40)));
  }
  try {
    return read(Reader(file), *object);
  } catch (const Failure& failure) {
    return failure.error();
  }
}

}  // namespace lab
