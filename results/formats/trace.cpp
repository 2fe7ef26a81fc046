#include "results/report/format.hpp"
#include "results/report/run_trace.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <iterator>
#include <optional>

#include "lab/core/utf8.hpp"

namespace lab {

namespace {

std::string json_quoted(std::string_view text) {
  return boost::json::serialize(boost::json::string(valid_utf8(text)));
}

std::string microseconds(Nanos at) {
  return fmt::format("{}.{:03}", at / kMicrosecond, at % kMicrosecond);
}

struct Part {
  std::string_view name;
  Nanos from = 0, to = 0;
};

/// The parts of a latency that are known; they follow each other without a gap (RequestRecord).
std::vector<Part> parts_of(const RequestRecord& record) {
  const std::array<std::pair<std::string_view, Nanos>, 6> moments{{{"", record.intended},
                                                                   {"lag", record.sent},
                                                                   {"unread", record.read},
                                                                   {"runnable", record.started},
                                                                   {"service", record.finished},
                                                                   {"reply", record.received}}};
  std::vector<Part> parts;
  Nanos before = record.intended;
  for (std::size_t i = 1; i < moments.size(); ++i) {
    const auto [name, at] = moments[i];
    // What follows an unknown moment begins there: nobody can tell where the one ends and the other starts.
    if (at == 0 || at < before) continue;
    if (at > before) parts.push_back({name, before, at});
    before = at;
  }
  return parts;
}

class Writer {
 public:
  explicit Writer(const TraceInput& input) : input_(input) {}

  std::string write() {
    out_ = fmt::format("{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"scenario\":{}}},\"traceEvents\":[\n",
                       json_quoted(input_.scenario));
    for (const TraceProcess& process : input_.processes) write_process(process);
    return std::move(out_) + "\n]}\n";
  }

 private:
  template <class... Values>
  void event(fmt::format_string<Values...> form, Values&&... values) {
    if (!first_) out_ += ",\n";
    first_ = false;
    fmt::format_to(std::back_inserter(out_), form, std::forward<Values>(values)...);
  }

  void write_process(const TraceProcess& process) {
    ++pid_;
    zero_ = process.repetition->began;
    event(R"({{"ph":"M","pid":{},"tid":0,"name":"process_name","args":{{"name":{}}}}})", pid_,
          json_quoted(process.name));
    event(R"({{"ph":"M","pid":{},"tid":0,"name":"process_sort_index","args":{{"sort_index":{}}}}})", pid_,
          pid_);
    for (std::size_t i = 0; i < process.tracks.size(); ++i) {
      event(R"({{"ph":"M","pid":{},"tid":{},"name":"thread_name","args":{{"name":{}}}}})", pid_, i + 1,
            json_quoted(process.tracks[i]));
      event(R"({{"ph":"M","pid":{},"tid":{},"name":"thread_sort_index","args":{{"sort_index":{}}}}})", pid_,
            i + 1, i + 1);
    }
    for (const TraceSlice& slice : process.slices) write_slice(slice);
    for (const RequestRecord& record : process.repetition->records) write_request(record);
  }

  void write_slice(const TraceSlice& slice) {
    const Nanos from = std::max(slice.from, zero_);
    if (slice.to < from) return;
    const std::string args = slice.request == 0 ? "" : fmt::format("\"request\":{}", slice.request);
    event(R"({{"ph":"X","pid":{},"tid":{},"ts":{},"dur":{},"name":{},"cat":"{}","args":{{{}}}}})", pid_,
          slice.track + 1, microseconds(from - zero_), microseconds(slice.to - from), json_quoted(slice.name),
          slice.category, args);
  }

  void write_request(const RequestRecord& record) {
    if (record.outcome == Outcome::unsent) return;  // it has no time
    const std::vector<Part> parts = parts_of(record);
    const Nanos end = parts.empty() ? std::max(record.intended, record.sent) : parts.back().to;
    const std::string name =
        json_quoted(record.route < input_.routes.size() ? input_.routes[record.route] : "?");
    write_edge('b', record.id, name, record.intended,
               fmt::format(R"(,"args":{{"request":{},"outcome":"{}","status":{},"worker":{}}})", record.id,
                           to_string(record.outcome), record.status, record.worker));
    for (const Part& part : parts) {
      const std::string part_name = json_quoted(part.name);
      write_edge('b', record.id, part_name, part.from);
      write_edge('e', record.id, part_name, part.to);
    }
    write_edge('e', record.id, name, end);
  }

  void write_edge(char phase, std::uint32_t request, const std::string& name, Nanos at,
                  const std::string& more = "") {
    event(R"({{"ph":"{}","cat":"request","id2":{{"local":"{:#x}"}},"pid":{},"tid":0,"ts":{},"name":{}{}}})",
          phase, request, pid_, microseconds(at - zero_), name, more);
  }

  const TraceInput& input_;
  std::string out_;
  bool first_ = true;
  int pid_ = 0;
  Nanos zero_ = 0;
};

}  // namespace

std::string to_trace(const TraceInput& input) {
  return Writer(input).write();
}

extern const ReportFormat k_format_trace{"trace",
                                         [](const FormatInput& input) -> Result<std::string> {
                                           const auto traced = trace_of(*input.scenario, *input.run);
                                           return traced ? to_trace(*traced)
                                                         : Result<std::string>(traced.error());
                                         },
                                         true, true};

}  // namespace lab
