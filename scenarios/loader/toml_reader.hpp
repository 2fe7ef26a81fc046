#pragma once

#include <fmt/format.h>
#include <toml++/toml.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/core/error.hpp"

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

}  // namespace lab
