#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <initializer_list>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

/// Throws Failure (exit 2) for the first thing that is wrong with a file; later ones usually only follow from
/// it.
class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  /// Something in the file: becomes `file:line:column: what`.
  template <class... Args>
  [[noreturn]] void at(const toml::source_region& where, fmt::format_string<Args...> what,
                       Args&&... args) const {
    fail(&where, fmt::format(what, std::forward<Args>(args)...));
  }
  /// Something on the command line, which has no place in the file.
  template <class... Args>
  [[noreturn]] void option(fmt::format_string<Args...> what, Args&&... args) const {
    fail(nullptr, fmt::format(what, std::forward<Args>(args)...));
  }

 private:
  [[noreturn]] void fail(const toml::source_region* where, std::string_view what) const;

  std::string file_;
};

/// One printable line of at most a few hundred bytes, whatever a file put into it.
std::string one_line(std::string_view text, std::size_t longest = 400);

/// The word in quotes, printable and short.
std::string in_quotes(std::string_view word);

/// `a string`, `a whole number`, `a table`: how messages call a value.
std::string_view kind_of(const toml::node& node);

/// Whether a text has characters that a terminal would obey; tabs, and line ends where it may have
/// `many_lines`, are none.
bool has_control(std::string_view text, bool many_lines);

constexpr std::size_t kLargestFile = 1 << 20;

/// Parses TOML text. Refuses more than a megabyte and nesting deeper than any scenario needs (the parser and
/// its values recurse once per level, so a hostile file would exhaust the stack). Errors carry the parser's
/// own position.
toml::table parse_toml(std::string_view text, const Problems& problems);

/// The entries of a table in the order of the file (the parser sorts them by key).
std::vector<std::pair<const toml::key*, const toml::node*>> in_file_order(const toml::table& table);

constexpr std::int64_t kMostRequests = 10'000'000;
constexpr int kMaxWorkers = 10'000;
constexpr int kMaxThreads = 100'000;
constexpr int kMaxCores = 1'024;
constexpr std::size_t kMaxEntries = 64;                        ///< routes, cases, loads of a case, arms
constexpr Nanos kLongestSpan = 10LL * 365 * 86'400 * kSecond;  ///< what parse_duration accepts

/// A scenario while it is read: what is known so far, and what the options change.
struct Draft {
  Draft(std::string file, std::span<const Traits> all_modes, const Overrides& changes)
      : problems(std::move(file)), modes(all_modes), overrides(changes) {}

  /// What an option gives in place of what the file says; whether that is a change.
  template <class Value, class Given>
  bool replace(const char* option, Value& value, const Given& given) {
    options_used.insert(option);
    const bool changed = value != given;
    value = given;
    return changed;
  }

  Scenario scenario;
  Problems problems;
  std::span<const Traits> modes;
  const Overrides& overrides;
  std::set<std::string> options_used;  ///< those that found something to change
  bool figures_changed = false;        ///< the documents' figures no longer speak of what is run

  // Where things stand that only turn out wrong together with others.
  std::vector<std::vector<toml::source_region>> step_places;  ///< by route, in the order of for_each_step
  std::vector<std::vector<toml::source_region>> kill_places;  ///< by case
  std::map<std::string, QueueSettings> queues;                ///< of the scenario; arms may change them
  std::map<std::string, toml::source_region> queue_places;
  std::set<std::string> limited_by_threads;  ///< arms with accept_limit = "threads"
};

/// `--scale` multiplies what the scenario itself takes (waits, work, periods), not tolerances and moments.
enum class Scaling : std::uint8_t { scaled, fixed };

class TableReader;
struct Key;

/// A value of the file, with its place and its name in messages: `threads of arm 'pool'`. To read it as what
/// it is not is a problem. Owns nothing of the file.
class Value {
 public:
  /// `node` may be null: the key is not there, and `where` is its table's place.
  Value(Draft& draft, const toml::node* node, const toml::source_region& where, std::string key,
        std::string owner = {})
      : draft_(&draft), node_(node), where_(&where), key_(std::move(key)), owner_(std::move(owner)) {}
  /// The value under a key of a table whose keys are names: messages call it by `kind` and that name.
  Value(Draft& draft, const toml::key& key, const toml::node& node, std::string_view kind);

  explicit operator bool() const { return node_ != nullptr; }
  const toml::node& operator*() const { return *node_; }
  const toml::node* operator->() const { return node_; }
  Draft& draft() const { return *draft_; }
  const toml::source_region& where() const { return *where_; }
  const std::string& key() const { return key_; }
  std::string name() const { return owner_.empty() ? key_ : key_ + " of " + owner_; }
  /// The same value under another name.
  Value named(std::string name) const { return {*draft_, node_, *where_, std::move(name)}; }
  /// Is it a string that begins so?
  bool begins(char letter) const;

  template <class... Args>
  [[noreturn]] void problem(fmt::format_string<Args...> text, Args&&... args) const {
    draft_->problems.at(*where_, text, std::forward<Args>(args)...);
  }
  /// What was read of its text; the error is the problem.
  template <class T>
  T checked(Result<T> read) const {
    if (!read) problem("{}", read.error().message);
    return std::move(*read);
  }

  std::string text(bool many_lines = false) const;
  std::vector<std::string> texts() const;
  std::int64_t whole(std::int64_t low, std::int64_t high) const;
  bool flag() const;
  /// A word of a-z, 0-9 and -, beginning with a letter or digit, at most 40 characters.
  std::string id(std::string_view kind) const;
  /// The index of one of the known words.
  std::size_t word(const std::vector<std::string>& known) const;
  /// A duration with its unit, or `$name` of a parameter (already scaled).
  Nanos span(Scaling scaling) const;
  /// A size with its unit, `64MB`, in bytes. At least 1.
  std::int64_t size() const;
  /// A number in that range, whole or not; none, and no problem yet, where it is something else.
  std::optional<double> number(double low, double high) const;
  /// `3%` as 0.03: above 0 and, as `whole` says, at most or below that; none where it is no such share.
  std::optional<double> percent() const;
  /// A stat whose route exists.
  Stat stat() const;
  /// A number of that stat: a duration for times (in seconds), a number for the others.
  double figure(const Stat& stat, Scaling scaling) const;

  /// What else it is, is a problem: `demand`, and that.
  const toml::table& table(std::string_view demand) const;
  /// Reads that table, called `name`, by its keys.
  void table(std::string_view demand, std::string name, std::initializer_list<Key> keys) const;
  /// Each named entry of the table, in the order of the file.
  void each_entry(std::string_view demand,
                  const std::function<void(const toml::key&, const toml::node&)>& read) const;
  /// Each table of an array.
  void each_table(std::size_t most, const std::function<void(const toml::table&)>& read) const;

 private:
  Draft* draft_;
  const toml::node* node_;
  const toml::source_region* where_;
  std::string key_, owner_;
};

/// How the value of a key becomes a member.
using Read = std::function<void(const Value&)>;

/// One key that a table may have. Where `example` shows what to write, the key must be there. Without `read`
/// it is known, and read by somebody else.
struct Key {
  std::string_view name;
  Read read{};
  std::string example{};
};

Read into(std::string& text, bool many_lines = false);
Read into(bool& flag);
template <class Number>
Read into(Number& number, std::int64_t low, std::int64_t high) {
  return [&number, low, high](const Value& value) { number = static_cast<Number>(value.whole(low, high)); };
}
Read into(Nanos& span, Scaling scaling);
/// The same of a span that must not be 0.
Read into_positive(Nanos& span, Scaling scaling);
/// The word's index as the member's value.
template <class Member>
Read into(Member& member, std::vector<std::string> known) {
  return [&member, known = std::move(known)](const Value& value) {
    member = static_cast<Member>(value.word(known));
  };
}
/// The word itself.
Read into_word(std::string& text, std::vector<std::string> known);
/// One of an enum's own words.
template <class Enum>
requires std::is_enum_v<Enum> Read into(Enum& member) {
  return into(member, words_of<Enum>());
}

/// A table whose keys are all known beforehand: any other key is a problem. Owns nothing of the file.
class TableReader {
 public:
  /// `what` names the table in messages: `arm 'blocking'`.
  TableReader(Draft& draft, const toml::table& table, std::string what)
      : draft_(&draft), table_(&table), what_(std::move(what)) {}

  Draft& draft() const { return *draft_; }
  const std::string& what() const { return what_; }
  const toml::source_region& where() const { return table_->source(); }
  bool has(std::string_view key) const { return table_->contains(key); }
  Value operator[](std::string_view key) const;
  /// Absent is a problem; `example` shows what to write.
  Value need(std::string_view key, std::string_view example) const;
  template <class... Args>
  [[noreturn]] void problem(std::string_view key, fmt::format_string<Args...> text, Args&&... args) const {
    (*this)[key].problem(text, std::forward<Args>(args)...);
  }

  /// Each table of the array under that key, where it is there.
  void each(std::string_view key, std::size_t most,
            const std::function<void(Draft&, const toml::table&)>& read) const;

  /// Reports keys that are none of these.
  void only(const std::vector<std::string>& known) const;
  /// The same, then asks for those that are missing and reads what is there, in that order.
  void read(std::initializer_list<Key> keys) const;

 private:
  Draft* draft_;
  const toml::table* table_;
  std::string what_;
};

/// The text of a file: at most a byte more than the parser accepts, so that a device or a huge file ends too.
/// Errors: no such file (exit 2), not readable (exit 3) (loader.cpp).
Result<std::string> read_toml_file(const std::filesystem::path& path);

/// Reports a name that is no id.
void check_id(Draft& draft, const toml::key& key, std::string_view kind);

/// A stat whose route exists.
Stat read_stat(Draft& draft, std::string_view text, const toml::source_region& where);

/// A sentence of the scenario with its parameters filled in: `$d`, `$d*3`, `$d/2`, and `$requests`, how many
/// the first load of that case (empty: of the first one) sends, `$workers` and `$threads`, how many the first
/// arm has that has some. An unknown name is a problem (checks.cpp).
std::string fill_in(Draft& draft, std::string_view text, const toml::source_region& where,
                    const std::string& case_id);

// The parts of a file, in the order in which they are read.
void read_params(const TableReader& file);   // values.cpp
void read_routes(const TableReader& file);   // steps.cpp
void read_cases(const TableReader& file);    // loads.cpp
void read_queues(const TableReader& file);   // arms.cpp
void read_arms(const TableReader& file);     // arms.cpp
void read_checks(const TableReader& file);   // checks.cpp
void read_asks(const TableReader& file);     // checks.cpp
void read_explain(const TableReader& file);  // checks.cpp

/// Options whose value is out of range, whatever the scenario (overrides.cpp).
void check_overrides(Draft& draft);
/// The options that choose and change arms; then reports those that found nothing to change (overrides.cpp).
void finish_overrides(Draft& draft);

/// A stat that would never have a value is a problem; the cases are known (overrides.cpp).
void check_stat(const Value& value, const Stat& stat);

/// What each part alone cannot know: whether every arm can do every step, whether queues have what they speak
/// of (overrides.cpp).
void check_sense(const TableReader& file);
/// The same about what options may have changed (overrides.cpp).
void check_changed(Draft& draft);

/// A pool, or threads of its own.
bool has_threads(const Scenario& scenario, const Arm& arm);

/// `def, time.sleep`, `blocking-loop × 4`: what the table says of an arm without a label (arms.cpp).
std::string default_label(const Scenario& scenario, const Arm& arm);

}  // namespace lab
