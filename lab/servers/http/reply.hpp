#pragma once

#include <string>
#include <string_view>

#include "lab/core/clock.hpp"

namespace lab {

/// What the reply's head depends on, besides the body.
struct ReplyHead {
  int status = 200;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool head_only = false;       ///< HEAD: everything but the body
  std::string_view allow = {};  ///< of 405
  Nanos service = 0;            ///< for `Server-Timing`; 0: none
};

/// Appends a whole JSON reply. The `Date` is cached for a second. One thread at a time per `out`.
void append_reply(std::string& out, const ReplyHead& head, std::string_view body);

/// `{"detail":"…"}`, as FastAPI says it.
std::string detail_body(std::string_view reason);

/// `text` as a JSON string, quotes included.
std::string json_string(std::string_view text);

/// Appends local time as `YYYY-MM-DD HH:MM:SS.ffffff`; `at` is nanoseconds of CLOCK_REALTIME.
void append_local_time(std::string& out, Nanos at);

/// Now on CLOCK_REALTIME, in nanoseconds.
Nanos wall_clock_now();

}  // namespace lab
