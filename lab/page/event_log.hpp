#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

namespace lab {

/// Where a viewer stands: behind line `line` of run `run`.
struct EventPlace {
  std::uint64_t run = 0, line = 0;

  /// `3-17`, as the stream's ids and Last-Event-ID write it; nothing where it is none.
  static std::optional<EventPlace> parse(std::string_view id);
};

/// The lines of the present run, for viewers that read at their own pace: each keeps only its place, so one
/// that stalls costs nothing but what it misses. Live lines of long ago are let go first: pictures replace
/// them.
class EventLog {
 public:
  static constexpr std::size_t kMaxLive = 1'000;  ///< lines
  static constexpr std::size_t kMaxBytes = std::size_t{64} << 20;

  void begin_run();
  /// `line`: one JSON object that begins with its type.
  void add(std::string line);
  std::uint64_t run() const { return run_; }

  /// What the viewer reads next, as server-sent events, at most some 64 KB; moves its place. Empty: nothing
  /// new. Lines that are gone are counted in a `lost` event.
  std::string next(EventPlace& place) const;

 private:
  struct Line {
    std::uint64_t number = 0;
    bool live = false;
    std::string text;
  };
  std::deque<Line> lines_;
  std::uint64_t run_ = 0, last_ = 0;
  std::size_t live_ = 0, bytes_ = 0;
};

}  // namespace lab
