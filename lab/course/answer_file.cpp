#include <algorithm>
#include <boost/json.hpp>
#include <set>

#include "lab/core/duration.hpp"
#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "lab/course/grade.hpp"

namespace lab {

namespace {

namespace json = boost::json;

/// A value of the file; everything that is wrong with it is thrown with its place.
class AnswerField {
 public:
  AnswerField(const std::string& file, std::string key, const json::value& value)
      : file_(file), key_(std::move(key)), value_(value) {}

  template <class... Args>
  void refuse_if(bool wrong, fmt::format_string<Args...> text, Args&&... args) const {
    lab::refuse_if(wrong, "{}: {}", file_, fmt::format(text, std::forward<Args>(args)...));
  }

  std::string word() const {
    constexpr std::size_t kLongestWord = 200;
    refuse_if(!value_.is_string(), "\"{}\" must be a text", key_);
    std::string text(value_.as_string());
    refuse_if(text.empty() || text.size() > kLongestWord, "\"{}\" must have 1 to {} letters", key_,
              kLongestWord);
    return text;
  }

  std::int64_t count(std::int64_t least, std::int64_t most) const {
    boost::system::error_code error;
    const auto number = value_.is_number() ? value_.to_number<std::int64_t>(error) : 0;
    refuse_if(!value_.is_number() || error || number < least || number > most,
              "\"{}\" must be a whole number from {} to {}", key_, least, most);
    return number;
  }

  double number() const {
    refuse_if(!value_.is_number(), "\"{}\" must be a number", key_);
    return value_.to_number<double>();
  }

  /// As one would type it: `3 s`.
  std::string answer() const {
    if (value_.is_null()) return "";
    if (value_.is_string()) return std::string(value_.as_string());
    if (value_.is_number()) return fmt::format("{}", number());
    const json::object empty;
    const json::object& object = value_.is_object() ? value_.get_object() : empty;
    refuse_if(!object.contains("value"),
              R"("{0}": write "3 s" or {{"value": 3, "unit": "s"}}; null is no answer)", key_);
    for (const auto& [name, value] : object) refuse_unknown(name, {"value", "unit"}, "\"" + key_ + "\"");
    const double amount = AnswerField(file_, key_ + ".value", object.at("value")).number();
    const json::value* unit = object.if_contains("unit");
    const bool bare = unit == nullptr || unit->is_null() || *unit == "";
    return fmt::format("{}{}", amount, bare ? "" : AnswerField(file_, key_ + ".unit", *unit).word());
  }

  Overrides settings() const {
    refuse_if(!value_.is_object(),
              R"("settings" must be an object such as {{"d": "200ms", "requests": 13}})");
    Overrides settings;
    for (const auto& [name, value] : value_.get_object()) {
      const AnswerField setting(file_, name, value);
      if (name == "requests") {
        settings.requests = setting.count(1, 10'000'000);
      } else if (name == "workers") {
        settings.workers = static_cast<int>(setting.count(1, 10'000));
      } else if (name == "threads") {
        settings.threads = static_cast<int>(setting.count(1, 100'000));
      } else if (name == "scale") {
        settings.scale = setting.number();
        refuse_if(!(settings.scale > 0 && settings.scale <= 1000), "\"scale\" must be above 0, at most 1000");
      } else {
        const auto span = parse_duration(setting.word());
        if (!span) refuse_if(true, "\"settings\": {}: {}", setting.key_, span.error().message);
        settings.params[name] = *span;
      }
    }
    return settings;
  }

  void refuse_unknown(std::string_view key, const std::vector<std::string>& keys,
                      const std::string& where) const {
    refuse_if(!contains(keys, key), "{}: unknown key \"{}\"{}", where, key.substr(0, 60),
              suggestion(key, keys));
  }

 private:
  const std::string& file_;
  std::string key_;
  const json::value& value_;
};

/// The first key that an object of this JSON text has twice, of which parsers keep one without a word; empty
/// where there is none. The text must be valid JSON.
std::string_view key_that_stands_twice(std::string_view json) {
  std::vector<std::set<std::string_view>> keys;  // of the objects and arrays that are open
  for (std::size_t at = 0; at < json.size(); ++at) {
    if (json[at] == '{' || json[at] == '[') keys.emplace_back();
    if (json[at] == '}' || json[at] == ']') keys.pop_back();
    if (json[at] != '"') continue;
    const std::size_t begin = at + 1;
    for (++at; json[at] != '"'; ++at) at += json[at] == '\\' ? 1 : 0;
    const std::string_view word = json.substr(begin, at - begin);
    const std::size_t next = std::min(json.find_first_not_of(" \t\r\n", at + 1), json.size() - 1);
    if (json[next] == ':' && !keys.back().insert(word).second) return word;
  }
  return "";
}

/// `line:column`, from 1.
std::string place_of(std::string_view text, std::size_t at) {
  const std::string_view before = text.substr(0, at);
  const auto lines = std::ranges::count(before, '\n');
  return fmt::format("{}:{}", lines + 1, at - (before.rfind('\n') + 1) + 1);
}

}  // namespace

AnswerFile parse_answer_file(std::string_view text, const std::string& file) {
  boost::system::error_code error;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);  // as Windows' editor begins a file
  json::stream_parser parser;
  const std::size_t read_so_far = parser.write(text.data(), text.size(), error);
  if (!error) parser.finish(error);
  refuse_if(error && valid_utf8(text) != text, "{}: is not UTF-8; save it as UTF-8", file);
  refuse_if(error.failed(), "{}:{}: is not JSON: {}", file, place_of(text, read_so_far), error.message());
  const json::value document = parser.release();
  const std::string_view twice = key_that_stands_twice(text);
  refuse_if(!twice.empty(), "{}: \"{}\" stands twice in one object; leave one", file, twice.substr(0, 60));
  const json::value* schema = document.is_object() ? document.get_object().if_contains("schema") : nullptr;
  refuse_if(
      schema == nullptr || *schema != "lab.answers/1",
      "{}: is no answer file of this version: it must be a JSON object with \"schema\": \"lab.answers/1\"{}",
      file, schema == nullptr ? "" : fmt::format(", not {}", json::serialize(*schema).substr(0, 40)));
  AnswerFile answers;
  for (const auto& [name, value] : document.get_object()) {
    const std::string key(name);
    const AnswerField field(file, key, value);
    field.refuse_unknown(key,
                         {"schema", "scenario", "seed", "student", "variant", "cores", "settings", "answers"},
                         "the answer file");
    if (key == "scenario") answers.scenario = field.word();
    if (key == "seed") answers.seed = field.count(0, INT64_MAX);
    if (key == "student" && !value.is_null()) answers.student = field.word();
    if (key == "variant" && !value.is_null()) answers.variant = field.word();
    if (key == "cores") answers.cores = static_cast<int>(field.count(1, 4096));
    if (key == "settings") answers.settings = field.settings();
    if (key != "answers") continue;
    field.refuse_if(!value.is_object(), R"("answers" must be an object such as {{"gil-1": "400 ms"}})");
    for (const auto& [id, given] : value.get_object())
      answers.answers.emplace_back(id, AnswerField(file, id, given).answer());
  }
  refuse_if(answers.scenario.empty(), R"({}: "scenario" is missing, such as "blocking-async")", file);
  refuse_if(!document.get_object().contains("answers"), R"({}: "answers" is missing)", file);
  return answers;
}

}  // namespace lab
