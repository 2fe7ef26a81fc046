#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace lab {

/// What a request to the page's server says of itself, as far as it decides who may do what. A field that is
/// there twice is as good as none.
struct PageRequest {
  std::string method, target;
  std::optional<std::string> host{}, origin{}, cookie{};
  std::optional<std::string>
      token{};  ///< the field Lab-Token: the cookie's value, of a program without a browser
  std::optional<std::string> content_type{};
};

/// What the server knows about who may come.
struct PageKeys {
  std::string first;               ///< of the address that is printed; empty once it was used
  std::string cookie;              ///< of the browser that used it, or a program, in Lab-Token
  std::string cookie_name;         ///< with the port: browsers keep cookies by host alone
  std::vector<std::string> hosts;  ///< `127.0.0.1:4711`, `localhost:4711`

  /// 256 bits each, from the kernel.
  static PageKeys make(int port);
};

enum class PageRoute { unknown, index, file, call, run, stop, events, recorded };

/// Whether a request is let in, and where to.
struct Admission {
  int status = 200;          ///< 200: let in, else refused
  bool first_visit = false;  ///< gets the cookie, and is led to the page
  PageRoute route = PageRoute::unknown;
  std::string_view why{};    ///< it was refused
  std::string_view allow{};  ///< of 405
};

/// In this order: Host, path, method, who, Origin, body. Keys are compared in constant time.
Admission admit(const PageRequest& request, const PageKeys& keys);

/// The value of a query's key, as it stands there; empty where it is not.
std::string_view query_value(std::string_view target, std::string_view key);

}  // namespace lab
