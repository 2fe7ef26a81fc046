#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "lab/core/plan.hpp"

namespace lab {

/// What the reply's head depends on, besides the body.
struct ReplyHead {
  int status = 200;
  bool http_1_0 = false;
  bool keep_alive = true;
  bool head_only = false;       ///< HEAD: everything but the body
  bool page = false;            ///< of HTML, with the fields of the front page; else JSON
  std::string_view allow = {};  ///< of 405
  Nanos service = 0;            ///< for `Server-Timing`; 0: none
};

/// Appends a whole reply. The `Date` is cached for a second. One thread at a time per `out`.
void append_reply(std::string& out, const ReplyHead& head, std::string_view body);

/// `{"detail":"…"}`, as FastAPI says it.
std::string detail_body(std::string_view reason);

/// `text` as a JSON string, quotes included.
std::string json_string(std::string_view text);

/// Appends local time as `YYYY-MM-DD HH:MM:SS.ffffff`; `at` is nanoseconds of CLOCK_REALTIME.
void append_local_time(std::string& out, Nanos at);

/// What a model says of any features, as JSON writes it.
inline constexpr std::string_view kPrediction = "0.5";

/// What the keys of a reply say; a count below 0 is not said.
struct ReplyValues {
  std::string message;
  std::int64_t count = -1;
  Nanos start_time = 0, end_time = 0;  ///< CLOCK_REALTIME
};
/// A reply's JSON with these keys, in this order.
std::string reply_body(const std::vector<ReplyField>& fields, const ReplyValues& values);

/// Now on CLOCK_REALTIME, in nanoseconds.
Nanos wall_clock_now();

}  // namespace lab
