#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "lab/core/error.hpp"

namespace lab {

/// An http or https address, taken apart (RFC 3986, RFC 9110 4.2).
struct Url {
  bool tls = false;
  std::string host;  ///< a name, or an IP address without brackets
  std::uint16_t port = 80;
  std::string target;  ///< path and query, as the request line has it
  std::string text;    ///< as it was given

  /// The Host field: brackets around IPv6, the port only where it is not the scheme's own (RFC 9110, 7.2).
  std::string authority() const;
  /// `https://host:port`: what connections are made to.
  std::string origin() const;
};

/// An IPv6 address in the brackets that it has in URLs; anything else as it is.
std::string bracketed(const std::string& host);

/// Strict: no user, no fragment, nothing that had to be percent-encoded and is not. Errors (exit 2) say what
/// is wrong and what to write instead.
Result<Url> parse_url(std::string_view text);

}  // namespace lab
