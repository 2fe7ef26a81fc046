#pragma once

#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "lab/core/clock.hpp"
#include "lab/core/enum_words.hpp"

namespace lab {

/// How a request ended.
enum class Outcome : std::uint8_t {
  ok,
  unsent,         ///< planned, never sent: the run was interrupted or its time was over
  unfinished,     ///< sent, no reply when the run was interrupted
  refused,        ///< connection refused
  reset,          ///< connection reset while it was under way
  closed,         ///< the server closed before the reply was whole
  timeout,        ///< no reply within the deadline
  bad_reply,      ///< what came was not HTTP
  bad_status,     ///< a whole reply with an unexpected status
  harness_fault,  ///< this side ran out of descriptors or ports
  hung_up,        ///< this side closed the connection as planned (Load::hang_up)
  extra,          ///< more bytes than the reply said (Content-Length), behind it or before the request
};
BOOST_DESCRIBE_ENUM(Outcome, ok, unsent, unfinished, refused, reset, closed, timeout, bad_reply, bad_status,
                    harness_fault, hung_up, extra)

/// All that is known about one request, in the order in which requests.bin has it. Times are CLOCK_MONOTONIC
/// (or virtual) nanoseconds; 0: not known.
struct RequestRecord {
  std::uint32_t id = 0;  ///< 1, 2, … within its repetition; the server sees it as the header `Lab-Request`
  std::uint32_t load = 0;    ///< index into Case::loads
  std::uint32_t route = 0;   ///< index into Scenario::routes
  std::int32_t worker = -1;  ///< slot 0 … W-1; -1: not known
  Nanos intended = 0;
  Nanos sent = 0;
  Nanos accepted = 0;
  Nanos read = 0;
  Nanos started = 0;
  Nanos finished = 0;
  Nanos first_byte = 0;
  Nanos received = 0;
  std::uint16_t status = 0;
  Outcome outcome = Outcome::unsent;
  std::uint32_t parent = 0;  ///< the request whose reply led to this one (Load::then); 0: none
  std::int64_t value = -1;   ///< the number that Load::keep names; -1: none

  Nanos latency() const { return received - intended; }
};

/// The one of that id among a repetition's, which stand in the order of their ids; null where it was lost.
const RequestRecord* find_record(std::span<const RequestRecord> records, std::uint32_t id);

/// What a server's processes used during one repetition, read from /proc by the harness (proc(5)).
struct ServerUse {
  int processes = 0;                                    ///< workers that were looked at
  std::int64_t private_before = 0, private_peak = 0;    ///< bytes of private dirty memory
  std::int64_t resident_before = 0, resident_peak = 0;  ///< bytes
  std::int64_t virtual_before = 0, virtual_peak = 0;    ///< bytes
  std::int64_t threads_before = 0, threads_peak = 0;
  Nanos cpu = 0;  ///< user and system time from the load's first request to its last reply
  std::int64_t voluntary_switches = 0, involuntary_switches = 0;
  bool known() const { return processes > 0; }
};

/// planned = sent + unsent; sent = ok + errors by kind + unfinished. Always, exactly. A request that found no
/// connection was not sent: it is one of the unsent, with its reason.
struct RequestCounts {
  std::int64_t planned = 0, unsent = 0, sent = 0, ok = 0, unfinished = 0;
  std::map<std::string, std::int64_t> errors{};  ///< by kind: `timeout`, `status_503`
  /// Of the unsent, by why they had no connection: `refused`.
  std::map<std::string, std::int64_t> not_sent{};

  void add(const RequestRecord& record);
  void add(const RequestCounts& other);
  bool adds_up() const;
  /// Requests that went wrong, sent or not.
  std::int64_t failed() const;
};

}  // namespace lab
