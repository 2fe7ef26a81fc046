#pragma once

#include <array>
#include <cstdlib>
#include <fstream>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/process.hpp"
#include "lab/core/text.hpp"

namespace lab::test {

/// A request as bytes, and the status that every server with our loop must answer with.
struct HttpCase {
  std::string section, what, bytes;
  int status = 0;
  std::array<int, 2> httplib{};  ///< what cpp-httplib answers: its version 0.11, and 0.14
};

inline constexpr std::size_t kHttplibColumn = std::string_view(LAB_HTTPLIB_VERSION) < "0.14" ? 0 : 1;

/// Reads lab/servers/http_cases.txt, which says how it is written.
class HttpCaseFile {
 public:
  static std::vector<HttpCase> read() {
    HttpCaseFile reader;
    std::ifstream file(checkout_root().value_or(".") / "lab/servers/http_cases.txt");
    for (std::string line; std::getline(file, line);) reader.take(line);
    return reader.cases_;
  }

 private:
  /// Text in which one of each list was chosen, and which.
  struct Choice {
    std::string text, chosen;
  };

  void take(const std::string& line) {
    const std::size_t name = line.find(" = ");
    if (line.starts_with("## ")) {
      section_ = line.substr(3);
    } else if (line.empty() || line.front() == '#') {
      return;
    } else if (line.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == name) {
      names_[line.substr(0, name)] = line.substr(name + 3);
    } else {
      const std::size_t what = line.find(" | ") + 3;
      const std::size_t bytes = line.find(" | ", what) + 3;
      const std::vector<std::string> statuses = split(line.substr(0, what - 3), ' ');
      for (const Choice& choice : expand(line.substr(bytes))) {
        HttpCase& one = cases_.emplace_back();
        one.section = section_;
        one.what = line.substr(what, bytes - 3 - what) + (choice.chosen.empty() ? "" : ": " + choice.chosen);
        one.bytes = unescaped(choice.text);
        one.status = std::atoi(statuses.front().c_str());
        for (std::size_t i = 0; i < 2; ++i)
          one.httplib[i] = std::atoi(statuses[statuses.size() > 1 ? i + 1 : 0].c_str());
      }
    }
  }

  /// What stands for the first `<…>` of the text, and for all behind it.
  std::vector<Choice> expand(const std::string& text) const {
    const std::size_t opens = text.find('<');
    if (opens == std::string::npos) return {{text, ""}};
    std::vector<std::string> parts(1);
    std::size_t at = opens + 1;
    for (int depth = 1;; ++at) {
      depth += text[at] == '<' ? 1 : text[at] == '>' ? -1 : 0;
      if (depth == 0) break;
      text[at] == ',' && depth == 1 ? void(parts.emplace_back()) : parts.back().push_back(text[at]);
    }
    const bool is_list = parts.size() > 1;
    std::vector<Choice> choices;
    for (const std::string& part : parts) {
      for (const std::string& meant : is_list ? all_of(part) : all_of_group(part)) {
        for (const Choice& rest : expand(text.substr(at + 1))) {
          const std::string between = is_list && !rest.chosen.empty() ? ", " : "";
          choices.push_back(
              {text.substr(0, opens) + meant + rest.text, (is_list ? part : "") + between + rest.chosen});
        }
      }
    }
    return choices;
  }

  std::vector<std::string> all_of(const std::string& text) const {
    std::vector<std::string> texts;
    for (const Choice& choice : expand(text)) texts.push_back(choice.text);
    return texts;
  }

  /// Of `300 ab`, or of a name.
  std::vector<std::string> all_of_group(const std::string& group) const {
    const std::size_t digits = group.find_first_not_of("0123456789");
    if (digits == 0) return all_of(names_.at(group));
    std::vector<std::string> texts = all_of(group.substr(digits + 1));
    for (std::string& text : texts) {
      const std::string one = text;
      for (int times = std::atoi(group.c_str()); times > 1; --times) text += one;
    }
    return texts;
  }

  static std::string unescaped(const std::string& text) {
    std::string bytes;
    for (std::size_t at = 0; at < text.size(); ++at) {
      const char c = text[at] == '\\' ? text[++at] : '\0';
      if (c == 'x') {
        bytes += static_cast<char>(std::strtol(text.substr(at + 1, 2).c_str(), nullptr, 16));
        at += 2;
      } else {
        bytes += c == 'r' ? '\r' : c == 'n' ? '\n' : c == 't' ? '\t' : c == '0' ? '\0' : text[at];
      }
    }
    return bytes;
  }

  std::map<std::string, std::string> names_;
  std::string section_;
  std::vector<HttpCase> cases_;
};

/// The strictness table of reliability.md.
inline const std::vector<HttpCase>& http_cases() {
  static const std::vector<HttpCase> cases = HttpCaseFile::read();
  return cases;
}

}  // namespace lab::test
