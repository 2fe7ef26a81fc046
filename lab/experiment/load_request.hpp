#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "harness/client/load_address.hpp"
#include "harness/client/load_generator.hpp"
#include "lab/core/error.hpp"
#include "lab/experiment/options.hpp"
#include "results/report/load_report.hpp"

namespace lab {

/// What a request says besides its target. Readers' errors (exit 2) name the option, and the file that
/// cannot be read.
struct RequestMessage {
  std::string method = "GET";
  std::vector<std::pair<std::string, std::string>> headers{};
  std::string body{};
  bool names_content = true;  ///< a body has its Content-Type

  Result<void> set_method(const std::string& text);
  Result<void> add_header(const std::string& text);
  /// A text, or @FILE.
  Result<void> read_body(const std::string& text);
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

/// Error (exit 2): there is no file at the path that the option names, or it cannot be read.
Result<void> check_readable(const char* option, const std::string& path);

}  // namespace lab
