#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "lab/core/text.hpp"
#include "lab/core/utf8.hpp"
#include "results/render/formatting.hpp"
#include "results/render/wrap.hpp"
#include "results/report/load_report.hpp"

namespace lab {

namespace {

constexpr std::size_t kNameWidth = 12;
constexpr std::size_t kCellWidth = 11;
constexpr std::size_t kWide = kNameWidth + 6 * kCellWidth;
constexpr std::size_t kStatWidth = 7;

std::string bold(const std::string& text, const TextStyle& style) {
  return style.color ? "\x1b[1m" + text + "\x1b[0m" : text;
}

std::string time_text(const std::optional<double>& value, bool ascii) {
  return value ? printable(quantity(*value, time_unit(*value)), ascii) : (ascii ? "-" : "–");
}

using NamedStat = std::pair<const char*, std::optional<double> LoadFigures::*>;
constexpr NamedStat kStats[] = {{"min", &LoadFigures::min}, {"median", &LoadFigures::median},
                                {"p90", &LoadFigures::p90}, {"p95", &LoadFigures::p95},
                                {"p99", &LoadFigures::p99}, {"max", &LoadFigures::max}};
using Quantity = std::pair<const char*, LoadFigures LoadReport::*>;
constexpr Quantity kQuantities[] = {{"latency", &LoadReport::latency},
                                    {"uncorrected", &LoadReport::uncorrected},
                                    {"of errors", &LoadReport::error_latency},
                                    {"lag", &LoadReport::lag}};

/// Those that are told: of errors only where there are any.
std::vector<Quantity> quantities_of(const LoadReport& report) {
  std::vector<Quantity> reported(std::begin(kQuantities), std::end(kQuantities));
  if (report.error_latency.n == 0) reported.erase(reported.begin() + 2);
  return reported;
}

/// A row per quantity; where that has no room, per statistic.
std::vector<std::string> table_lines(const LoadReport& report, bool ascii, std::size_t width) {
  const bool wide = width >= kWide;
  const std::vector<Quantity> quantities = quantities_of(report);
  std::vector<std::string> lines{std::string(wide ? kNameWidth : kStatWidth, ' ')};
  if (wide) {
    for (const auto& [stat, value] : kStats) lines[0] += pad(stat, kCellWidth, true);
    for (const auto& [name, figures] : quantities) {
      lines.push_back(pad(name, kNameWidth));
      for (const auto& [stat, value] : kStats)
        lines.back() += pad(time_text(report.*figures.*value, ascii), kCellWidth, true);
    }
    return lines;
  }
  for (const auto& [name, figures] : quantities) lines[0] += pad(name, kNameWidth, true);
  for (const auto& [stat, value] : kStats) {
    lines.push_back(pad(stat, kStatWidth));
    for (const auto& [name, figures] : quantities)
      lines.back() += pad(time_text(report.*figures.*value, ascii), kNameWidth, true);
  }
  return lines;
}

/// `0.100 0.201 s`: all in the unit of the largest.
std::string all_values(const std::vector<double>& values) {
  const Unit unit = time_unit(values.back());
  std::string text;
  for (const double value : values) text += number(value, unit) + " ";
  return text + unit.name;
}

/// 1234567 as 1,234,567.
std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(digits.size()) - 3; at > 0; at -= 3)
    digits.insert(static_cast<std::size_t>(at), 1, ',');
  return digits;
}

std::string rate_text(double rate) {
  return rate >= 999.5 ? grouped(std::llround(rate)) : fmt::format("{:.{}f}", rate, rate < 10 ? 3 : 1);
}

std::vector<std::string> books_lines(const RequestCounts& books) {
  return {fmt::format("planned {} = sent {} + unsent {}", grouped(books.planned), grouped(books.sent),
                      grouped(books.unsent)),
          fmt::format("sent {} = ok {} + errors {} + unfinished {}", grouped(books.sent), grouped(books.ok),
                      grouped(books.sent - books.ok - books.unfinished), grouped(books.unfinished))};
}

/// `2 before a reply, 1 in one`: where the server closed.
std::string closings(const LoadReport& report) {
  std::vector<std::string> parts;
  for (const auto& [count, where] : {std::pair{report.counts.closed_before, "before a reply"},
                                     std::pair{report.counts.closed_in, "in a reply"},
                                     std::pair{report.counts.closed_after, "behind the reply before"}}) {
    if (count > 0) parts.push_back(fmt::format("{} {}", grouped(count), where));
  }
  return parts.empty() ? "" : " (" + join(parts, ", ") + ")";
}

std::string errors_line(const LoadReport& report) {
  std::vector<std::string> parts;
  for (const auto& [kind, count] : report.books.errors)
    parts.push_back(fmt::format("{} {}{}", kind, grouped(count), kind == "closed" ? closings(report) : ""));
  for (const auto& [kind, count] : report.books.not_sent)
    parts.push_back(fmt::format("not sent: {} {}", kind, grouped(count)));
  return join(parts, ", ");
}

std::string bytes_line(const LoadReport& report) {
  const auto size = [](std::int64_t bytes) {
    const auto value = static_cast<double>(bytes);
    return quantity(value, byte_unit(value));
  };
  std::string line =
      fmt::format("{} received, {} sent; {} connection{} opened", size(report.counts.bytes_received),
                  size(report.counts.bytes_sent), grouped(report.counts.connections),
                  report.counts.connections == 1 ? "" : "s");
  if (const auto each = connect_seconds(report.counts))
    line += fmt::format(", {} each", time_text(each, false));
  return line;
}

/// `below 2 ms ██████ 45.3 %`
std::vector<std::string> bar_lines(const LoadReport& report, const TextStyle& style, std::size_t width) {
  std::int64_t total = 0;
  std::int64_t largest = 1;
  for (const LatencyBar& bar : report.bars) {
    total += bar.count;
    largest = std::max(largest, bar.count);
  }
  constexpr std::size_t kShare = 20;
  std::vector<std::string> labels;
  std::size_t longest = 0;
  for (const LatencyBar& bar : report.bars) {
    const Unit unit = time_unit(bar.below_s * 0.9999);
    labels.push_back(
        fmt::format("below {:g} {}", bar.below_s * unit.factor, printable(unit.name, style.ascii)));
    longest = std::max(longest, columns(labels.back()));
  }
  const std::size_t label_width = longest + 2;
  const std::size_t room = width > label_width + kShare + 10 ? width - label_width - kShare : 10;
  std::vector<std::string> lines;
  for (std::size_t row = 0; row < labels.size(); ++row) {
    const LatencyBar& bar = report.bars[row];
    const double share = static_cast<double>(bar.count) / static_cast<double>(total);
    auto full = static_cast<std::size_t>(std::llround(
        static_cast<double>(room) * static_cast<double>(bar.count) / static_cast<double>(largest)));
    if (bar.count > 0) full = std::max<std::size_t>(full, 1);
    std::string blocks;
    for (std::size_t i = 0; i < full; ++i) blocks += style.ascii ? "#" : "█";
    std::string line = pad(labels[row], label_width);
    line += fmt::format("{} {} ({:.{}f} %)", blocks, grouped(bar.count), share * 100,
                        share > 0 && share < 0.001 ? 3 : 1);
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

std::string kind_of_error_replies(const LoadReport& report) {
  std::string only;
  for (const auto& [kind, count] : report.books.errors) {
    if (kind == "extra" || (kind.starts_with("status_") && !only.empty())) return "errors";
    if (kind.starts_with("status_")) only = kind.substr(7);
  }
  return only;
}

std::string load_text(const LoadReport& report, const TextStyle& style) {
  const auto width = static_cast<std::size_t>(style.width > 0 ? std::max(style.width, 20) : 80);
  std::string out;
  const auto line = [&](const std::string& text) { out += shorten(text, width, style.ascii) + "\n"; };
  const auto remark = [&](const std::string& tag, const std::string& text) {
    const std::string mark = pad(tag, kTagIndent);
    for (std::string each : wrap(printable(text, style.ascii), mark, kTagIndent, width)) {
      if (style.color && each.starts_with(mark)) {
        const char* const look = tag == "WARN" || tag == "MISS" ? "1;38;5;166" : "1";
        each = fmt::format("\x1b[{}m{}\x1b[0m{}", look, each.substr(0, kTagIndent), each.substr(kTagIndent));
      }
      out += each + "\n";
    }
  };
  for (const auto& [url, weight] : report.urls) {
    const std::string share = report.urls.size() > 1 ? fmt::format("{} of {} ", weight,
                                                                   [&] {
                                                                     std::int64_t sum = 0;
                                                                     for (const auto& each : report.urls)
                                                                       sum += each.second;
                                                                     return sum;
                                                                   }())
                                                     : "";
    line(printable(fmt::format("{}{} {}", share, report.method, url), style.ascii));
  }
  for (const std::string& each : wrap(printable(report.load, style.ascii), "", 0, width)) out += each + "\n";
  if (!report.complete) remark("WARN", "incomplete: " + report.incomplete);
  out += "\n";
  const std::int64_t errors = report.error_latency.n;
  std::string rate =
      fmt::format("{} {}requests/s", rate_text(report.requests_per_second), errors > 0 ? "ok " : "");
  rate = bold(rate, style);
  if (report.requested_rate) rate += fmt::format(" of {} asked for", rate_text(*report.requested_rate));
  out += fmt::format("{}, {} answered{} in {}\n", rate, grouped(report.books.ok), errors > 0 ? " ok" : "",
                     printable(long_time(report.span_s), style.ascii));
  if (errors > 0) {
    std::string share = fmt::format("{} of {} replies were {}", grouped(errors),
                                    grouped(errors + report.latency.n), kind_of_error_replies(report));
    out += bold(share, style) + "\n";
  }
  out += "\n";
  for (const std::string& each : table_lines(report, style.ascii, width)) line(each);
  if (!report.latency.all.empty()) {
    out += "\n";
    remark("ALL", all_values(report.latency.all));
  } else if (!report.bars.empty()) {
    out += "\n";
    for (const std::string& each : bar_lines(report, style, width)) line(each);
  }
  out += "\n";
  const std::vector<std::string> books = books_lines(report.books);
  remark("BOOKS", books[0]);
  remark("", books[1]);
  if (report.books.failed() > 0) remark("ERROR", errors_line(report));
  remark("BYTES", bytes_line(report));
  for (const ThresholdRow& each : report.thresholds)
    remark(each.passed ? "PASS" : "MISS", fmt::format("{}: {}", each.text, each.measured));
  for (const Note& each : report.remarks) remark(std::string(to_string(each.kind)), each.text);
  if (!report.emulated_tools.empty()) {
    out += "\nThe same requests, as other tools would have reported them:\n";
    for (const std::string& each : report.emulated_tools) line(printable(each, style.ascii));
  }
  return out;
}

}  // namespace lab
