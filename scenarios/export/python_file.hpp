#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace lab {

/// Lines of source without the newline, with their indentation.
using Lines = std::vector<std::string>;

inline void append(Lines& lines, const Lines& more) {
  lines.insert(lines.end(), more.begin(), more.end());
}

/// Each line by so many blanks further in.
Lines indented(const Lines& lines, std::size_t blanks = 4);

/// The text of a file of this folder, as it was when the program was built. It must be one of those that
/// CMake lists (LAB_EXPORTED).
std::string embedded_file(std::string_view name);

/// Words of a piece and what stands in their place.
using Filled = std::vector<std::pair<std::string_view, std::string>>;

/// The same with those words filled in.
std::string filled_file(std::string_view name, const Filled& filled);

/// The piece of that name in pieces.py or pieces.js.
Lines piece(std::string_view file, std::string_view name, const Filled& filled = {});

/// A Python module as it comes together: what is imported, what is set up, then functions. Whatever is asked
/// for twice is there once.
class PythonFile {
 public:
  /// `import time`
  void use(const std::string& module) { modules_.insert(module); }
  /// `from fastapi import FastAPI`
  void use_from(const std::string& module, const std::string& name) { names_[module].insert(name); }
  /// A statement between imports and functions: `pool = None`.
  void set(const std::string& line);
  /// A function, a decorated handler or anything else that stands by itself.
  void add(const Lines& block);
  /// A piece of pieces.py: its imports, its statements, its functions.
  void add_piece(std::string_view name, const Filled& filled = {});
  bool uses(const std::string& module) const {
    return modules_.count(module) > 0 || names_.count(module) > 0;
  }
  /// A name that nothing else has: `wanted`, `wanted_2` …
  std::string unused(const std::string& wanted);
  /// The name under which that expression is set up: `url = UPSTREAM + "/delay?ms=100"`.
  std::string named(const std::string& wanted, const std::string& expression);

  /// The module, under its `title` as documentation.
  std::string text(const std::string& title) const;

 private:
  std::set<std::string> modules_;
  std::map<std::string, std::set<std::string>> names_;
  Lines settings_;
  std::vector<Lines> blocks_;
  std::set<std::string> taken_;
  std::map<std::string, std::string> named_;  // by expression
};

/// A word of the scenario as a name that neither Python nor the modules written here use already.
std::string python_identifier(const std::string& word);

/// A text as Python writes it, in double quotes.
std::string python_string(const std::string& text);

}  // namespace lab
