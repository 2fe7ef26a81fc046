#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/servers/http/request_gate.hpp"

namespace lab {

class RouteTable;
struct Request;

/// What the body of one request may be.
struct BodyRule {
  std::uint64_t limit = kMaxBody;                ///< bytes; more is refused with 413
  std::string_view too_big = "body above 1 MB";  ///< why; as long-lived as the rules
  Nanos deadline = 0;  ///< how long it may take to arrive; 0: the server's own limit
};

/// The rules of a server's routes. Immutable once made, so any thread may read it.
class BodyRules {
 public:
  /// The table must outlive it.
  explicit BodyRules(const RouteTable& routes);
  /// Of a request that no route answers: the server's own.
  BodyRule of(const Request& request) const;

 private:
  const RouteTable& routes_;
  std::vector<std::string> too_big_;  // by route
};

}  // namespace lab
