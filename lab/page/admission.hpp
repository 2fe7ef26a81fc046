#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/enum_words.hpp"

namespace lab {

/// What a request to the page's server says of itself, as far as it decides who may do what. A field that is
/// there twice is as good as none.
struct PageRequest {
  std::string method, target;
  std::optional<std::string> host{}, origin{}, cookie{};
  /// The field Lab-Token: the cookie's value, of a program without a browser.
  std::optional<std::string> token{};
  std::optional<std::string> content_type{};
};

/// Who comes through a door: on the loopback interface the teacher, who may do everything; on the network
/// students, who may read the question and commit a guess.
enum class PageRole { teacher, student };
BOOST_DESCRIBE_ENUM(PageRole, teacher, student)

/// What the server knows about who may come.
struct PageKeys {
  static constexpr std::size_t kMaxPhones = 500;

  std::string first;               ///< of the address that is printed; empty once it was used
  std::string cookie;              ///< of the browser that used it, or a program, in Lab-Token
  std::string cookie_name;         ///< with the port: browsers keep cookies by host alone
  std::vector<std::string> hosts;  ///< `127.0.0.1:4711`, `localhost:4711`
  PageRole role = PageRole::teacher;
  std::set<std::string, std::less<>> phones{};  ///< the cookies of students, which were let in without a key

  static PageKeys for_teacher(int port);
  /// Of the class: `address` is the only name of that door.
  static PageKeys for_students(const std::string& address, int port);
};

/// 256 bits from the kernel, in hexadecimal digits.
std::string random_key();
/// `127.0.0.1:4711` as a browser says it: without the port that is the usual one.
std::string host_and_port(std::string_view host, int port);

enum class PageRoute { unknown, index, file, call, run, stop, events, recorded, vote, votes, ballot, guess };

/// Whether a request is let in, and where to.
struct Admission {
  int status = 200;          ///< 200: let in, else refused
  bool first_visit = false;  ///< gets the cookie
  PageRoute route = PageRoute::unknown;
  std::string phone{};       ///< of a student: the cookie
  std::string_view why{};    ///< it was refused
  std::string_view allow{};  ///< of 405
};

/// In this order: Host, path, method, who, Origin, body. The teacher's keys are compared in constant time; a
/// phone's is worth one vote.
Admission admit(const PageRequest& request, const PageKeys& keys);

/// The value of a query's key, as it stands there; empty where it is not.
std::string_view query_value(std::string_view target, std::string_view key);

/// An IPv4 address of this machine, as getifaddrs(3) has it.
struct NetworkAddress {
  std::string interface;  ///< `wlan0`
  std::string address;    ///< `192.168.1.20`
  unsigned flags = 0;     ///< IFF_UP, IFF_LOOPBACK, …
};

/// In the kernel's order.
std::vector<NetworkAddress> network_addresses();

/// The one that phones on the same network can open: the first that is up, and neither loopback nor a
/// tunnel's nor one that a machine gives itself where there is no network (169.254.…). Nothing where there is
/// none.
std::optional<NetworkAddress> class_address(const std::vector<NetworkAddress>& addresses);

}  // namespace lab
