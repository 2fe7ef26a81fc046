#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/core/error.hpp"

namespace lab {

/// Keeps the first thing that is wrong with a scenario; later ones usually only follow from it. Readers go on
/// with harmless values after a problem, so that none of them needs an error path of its own.
class Problems {
 public:
  explicit Problems(std::string file) : file_(std::move(file)) {}

  /// Something in the file: becomes `file:line:column: what`.
  template <class... Args>
  void at(const toml::source_region& where, fmt::format_string<Args...> what, Args&&... args) {
    if (!first_) note(&where, fmt::format(what, std::forward<Args>(args)...));
  }
  /// Something on the command line, which has no place in the file.
  template <class... Args>
  void option(fmt::format_string<Args...> what, Args&&... args) {
    if (!first_) note(nullptr, fmt::format(what, std::forward<Args>(args)...));
  }

  bool any() const { return first_.has_value(); }
  /// Only where any() holds.
  const Error& first() const { return *first_; }

 private:
  void note(const toml::source_region* where, std::string_view what);

  std::string file_;
  std::optional<Error> first_;
};

/// One printable line of at most a few hundred bytes, whatever a file put into it.
std::string one_line(std::string_view text, std::size_t longest = 400);

/// The word in quotes, printable and short.
std::string in_quotes(std::string_view word);

/// `1,000`: how limits are written in messages; Python takes underscores.
std::string grouped(std::int64_t number, char separator = ',');

/// `a string`, `a whole number`, `a table`: how messages call a value.
std::string_view kind_of(const toml::node& node);

/// Whether a text has characters that a terminal would obey; tabs, and line ends where it may have
/// `many_lines`, are none.
bool has_control(std::string_view text, bool many_lines);

constexpr std::size_t kLargestFile = 1 << 20;

/// Parses TOML text. Refuses more than a megabyte and nesting deeper than any scenario needs (the parser and
/// its values recurse once per level, so a hostile file would exhaust the stack). Errors carry the parser's
/// own position.
std::optional<toml::table> parse_toml(std::string_view text, Problems& problems);

/// The entries of a table in the order of the file (the parser sorts them by key).
std::vector<std::pair<const toml::key*, const toml::node*>> in_file_order(const toml::table& table);

}  // namespace lab
