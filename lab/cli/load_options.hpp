#pragma once

#include <string>
#include <utility>
#include <vector>

#include "harness/client/load_address.hpp"
#include "lab/cli/command.hpp"
#include "results/report/load_report.hpp"

namespace lab {

/// What a request says besides its target. The readers throw Failure (exit 2), which names the option, and
/// the file that cannot be read.
struct RequestMessage {
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  bool names_content = true;  ///< a body has its Content-Type

  void set_method(const std::string& text);
  void add_header(const std::string& text);
  /// A text, or @FILE.
  void read_body(const std::string& text);
  bool has_header(const std::string& name) const;
  /// Head and body of the request for that URL.
  std::string bytes(const Url& url, bool closes = false) const;
};

/// What `lab load` is asked for, checked; where it goes is not resolved yet.
struct LoadRequestOptions : LoadTask {
  RequestMessage message;
  bool own_server = false;
  OutputOptions output;
};

/// The options of `lab load`. What they mean together is in `options` once the command line was read; errors
/// (exit 2) name the option and the fix, or the file that cannot be read.
void add_load_options(Command& command, LoadRequestOptions& options);

}  // namespace lab
