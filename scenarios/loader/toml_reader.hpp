#pragma once

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
  void at(const toml::source_region& where, std::string_view what);
  /// Something on the command line, which has no place in the file.
  void option(std::string_view what);

  bool any() const { return first_.has_value(); }
  /// Only where any() holds.
  const Error& first() const { return *first_; }

 private:
  std::string file_;
  std::optional<Error> first_;
};

/// One printable line of at most a few hundred bytes, whatever a file put into it.
std::string printable(std::string_view text, std::size_t longest = 400);

/// The word in quotes, printable and short.
std::string in_quotes(std::string_view word);

/// `1,000`: how limits are written in messages.
std::string grouped(std::int64_t number);

/// `a string`, `a whole number`, `a table`: how messages call a value.
std::string_view kind_of(const toml::node& node);

/// Parses TOML text. Refuses more than a megabyte and nesting deeper than any scenario needs (the parser and
/// its values recurse once per level, so a hostile file would exhaust the stack). Errors carry the parser's
/// own position.
std::optional<toml::table> parse_toml(std::string_view text, Problems& problems);

/// Values of a given type; `what` names the value in messages. All give an empty or lowest value after a
/// problem.
std::string read_text(Problems& problems, const toml::node& node, std::string_view what,
                      bool many_lines = false);
std::int64_t read_integer(Problems& problems, const toml::node& node, std::string_view what, std::int64_t low,
                          std::int64_t high);
/// Null after a problem: `demand` and what it is instead.
const toml::table* read_table(Problems& problems, const toml::node& node, std::string_view demand);
std::vector<const toml::table*> read_tables(Problems& problems, const toml::node& node, std::string_view what,
                                            std::size_t most);
/// Reads the tables of an array until one has a problem.
template <class Read>
void for_each_table(Problems& problems, const toml::node& node, std::string_view what, std::size_t most,
                    const Read& read) {
  for (const toml::table* table : read_tables(problems, node, what, most)) {
    read(*table);
    if (problems.any()) return;
  }
}

/// The entries of a table in the order of the file (the parser sorts them by key).
std::vector<std::pair<const toml::key*, const toml::node*>> in_file_order(const toml::table& table);

/// Typed access to one table whose keys are all known beforehand: any other key is a problem.
/// Does not own the table.
class TableReader {
 public:
  /// `what` names the table in messages: `arm 'blocking'`.
  TableReader(Problems& problems, const toml::table& table, std::string what,
              const std::vector<std::string>& known);

  const std::string& what() const { return what_; }
  const toml::table& table() const { return *table_; }
  bool has(std::string_view key) const { return table_->contains(key); }
  /// Null where it is absent.
  const toml::node* find(std::string_view key) const { return table_->get(key); }
  /// Absent is a problem; `example` shows what to write.
  const toml::node* need(std::string_view key, std::string_view example) const;
  /// The value's place, or the table's where there is none.
  const toml::source_region& where(std::string_view key) const;
  void problem(std::string_view key, std::string_view text) const { problems_->at(where(key), text); }

  std::string text(std::string_view key, bool many_lines = false) const;
  std::vector<std::string> texts(std::string_view key) const;
  std::int64_t integer(std::string_view key, std::int64_t low, std::int64_t high,
                       std::int64_t otherwise) const;
  bool flag(std::string_view key, bool otherwise) const;

 private:
  std::string naming(std::string_view key) const;

  Problems* problems_;
  const toml::table* table_;
  std::string what_;
};

}  // namespace lab
