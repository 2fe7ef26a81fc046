#pragma once

#include <string>

namespace lab {

// Who answers an arm's requests.
inline constexpr const char* kNative = "native";      ///< our own server processes
inline constexpr const char* kFastapi = "fastapi";    ///< the exported main.py on real FastAPI
inline constexpr const char* kNode = "node";          ///< the exported server.js
inline constexpr const char* kServer = "server";      ///< any other server, given by --server
inline constexpr const char* kRecorded = "recorded";  ///< FastAPI as it was recorded (results/reference/)
inline constexpr const char* kModel = "model";        ///< nobody: virtual time

/// One engine, and with what it runs where there is a choice.
struct EngineId {
  std::string kind = kNative;  ///< one of those above
  std::string runtime{};       ///< `uvloop`, `gunicorn`; empty: the usual one

  bool is(const char* other) const { return kind == other; }
  bool operator==(const EngineId&) const = default;
};

}  // namespace lab
