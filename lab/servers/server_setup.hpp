#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lab/core/scenario.hpp"

namespace lab {

/// What a server is made of.
struct ServerSetup {
  std::vector<Route> routes;
  Arm arm;  ///< arm.modes has one entry per route; without routes, one for the builtin ones
  /// The routes of a server without a scenario: GET / greets, /delay?ms=, /cpu?ms=, /ping (cli.md).
  bool builtin_routes = false;
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;           ///< 0: the kernel chooses
  std::uint64_t seed = 0;           ///< which worker gets the first connection: seed % workers
  bool log = false;                 ///< start, end and send lines on stderr
  std::uint16_t upstream_port = 0;  ///< where CallUpstream goes, on loopback; 0: there is none
  std::string postgres{};           ///< libpq connection string of Query; empty: there is none
  std::string store{};              ///< SQLite file of shared counters and queues; empty: there is none
  WorkRates rates{};                ///< of plans whose units are not filled in yet
  // Absolute, from the first byte of what they limit: a deadline per read would let a slow client stay for
  // ever. A route may have another one for its body.
  Nanos header_deadline = 10 * kSecond, body_deadline = 30 * kSecond, write_deadline = 30 * kSecond;
};

}  // namespace lab
