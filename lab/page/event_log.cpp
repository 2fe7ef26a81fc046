#include "lab/page/event_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "lab/core/text.hpp"

namespace lab {

namespace {

constexpr std::size_t kAtOnce = 64 << 10;

/// Of `{"type":"live",…`.
std::string_view type_of_line(std::string_view line) {
  constexpr std::string_view kBefore = R"({"type":")";
  if (!line.starts_with(kBefore)) return "message";
  line.remove_prefix(kBefore.size());
  return line.substr(0, line.find('"'));
}

}  // namespace

std::optional<EventPlace> EventPlace::parse(std::string_view id) {
  const std::size_t dash = id.find('-');
  if (dash == std::string_view::npos) return std::nullopt;
  const auto run = number_in<std::uint64_t>(id.substr(0, dash));
  const auto line = number_in<std::uint64_t>(id.substr(dash + 1));
  return run && line ? std::optional(EventPlace{*run, *line}) : std::nullopt;
}

void EventLog::begin_run() {
  lines_.clear();
  ++run_;
  last_ = live_ = bytes_ = 0;
}

void EventLog::add(std::string line) {
  const bool live = type_of_line(line) == "live";
  live_ += live ? 1 : 0;
  bytes_ += line.size();
  lines_.push_back({++last_, live, std::move(line)});
  while (lines_.size() > 1 && (live_ > kMaxLive || bytes_ > kMaxBytes)) {
    auto gone = std::ranges::find_if(lines_, &Line::live);
    if (gone == lines_.end()) gone = lines_.begin();  // of many repetitions even pictures are too much
    live_ -= gone->live ? 1 : 0;
    bytes_ -= gone->text.size();
    lines_.erase(gone);
  }
}

std::string EventLog::next(EventPlace& place) const {
  if (place.run != run_ || place.line > last_) place = {run_, 0};
  std::string out;
  const auto from =
      std::upper_bound(lines_.begin(), lines_.end(), place.line,
                       [](std::uint64_t number, const Line& line) { return number < line.number; });
  std::uint64_t lost = 0;
  for (auto line = from; line != lines_.end() && out.size() < kAtOnce; ++line) {
    lost += line->number - place.line - 1;
    place.line = line->number;
    fmt::format_to(std::back_inserter(out), "id: {}-{}\nevent: {}\ndata: {}\n\n", run_, line->number,
                   type_of_line(line->text), line->text);
  }
  if (lost > 0) out = fmt::format("event: lost\ndata: {{\"type\":\"lost\",\"lines\":{}}}\n\n", lost) + out;
  return out;
}

}  // namespace lab
