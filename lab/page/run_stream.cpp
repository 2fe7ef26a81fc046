#include "lab/page/run_stream.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "harness/analysis/why.hpp"
#include "harness/model/model.hpp"
#include "lab/core/process.hpp"
#include "lab/page/page.hpp"
#include "results/render/as_json.hpp"
#include "results/store/record_lines.hpp"
#include "results/store/set_aside.hpp"

namespace lab {

namespace {

constexpr Nanos kBetweenLooks = 15 * kMillisecond;
constexpr std::size_t kMaxFollowed = 5'000;  ///< requests; of more each look would take too long
constexpr std::size_t kMaxPictured = 2'000;

/// A list of numbers behind a comma, unless it is the first.
void put_row(std::string& rows, std::initializer_list<std::int64_t> numbers) {
  if (!rows.empty()) rows += ',';
  fmt::format_to(std::back_inserter(rows), "[{}]", fmt::join(numbers, ","));
}

std::string end_line(bool complete, std::string_view reason) {
  return json_line({{"type", "end"}, {"complete", complete}, {"reason", json_text(reason)}});
}

}  // namespace

RunStream::RunStream(const Scenario& scenario, std::uint64_t seed, Write write, ExperimentObserver& observer)
    : scenario_(scenario), seed_(seed), write_(std::move(write)) {
  observer.started = [this](const RunHeader& header) {
    std::string line;
    encode(header, line);
    write_(line);
  };
  observer.trial_begins = [this](const EngineArm& arm, const Case& load_case, int number) {
    begin(arm, load_case, number);
  };
  observer.watch = [this](std::span<const RequestRecord> records, Nanos began) { look(records, began); };
  observer.trial_done = [this](const RunRepetition& repetition, std::int64_t, std::int64_t) {
    ended(repetition);
  };
}

void RunStream::begin(const EngineArm& arm, const Case& load_case, int number) {
  ++ordinal_;
  sent_.clear();
  answered_.clear();
  const ModelInput input{&scenario_.routes, &arm.arm, &load_case, available_cores(),
                         repetition_seed(seed_, number)};
  write_(json_line({{"type", "begin"},
                    {"repetition", ordinal_},
                    {"arm", as_json(arm.arm.id)},
                    {"case", as_json(load_case.id)},
                    {"engine", as_json(arm.engine)},
                    {"number", number},
                    {"requests", load_case.requests()},
                    {"predicted_s", simulate(input).makespan_s},
                    {"bound_s", bound(input).seconds}}));
}

void RunStream::look(std::span<const RequestRecord> records, Nanos began) {
  const Nanos now = monotonic_now();
  if (now - last_said_ < kBetweenLooks || records.size() > kMaxFollowed) return;
  last_said_ = now;
  sent_.resize(records.size());
  answered_.resize(records.size());
  std::string sent;
  std::string answered;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const RequestRecord& record = records[i];
    if (record.sent != 0 && !sent_[i])
      put_row(sent, {record.id, record.sent - began, static_cast<std::int64_t>(record.route)});
    if (record.received != 0 && !answered_[i])
      put_row(answered, {record.id, record.received - began, record.worker});
    sent_[i] = record.sent != 0;
    answered_[i] = record.received != 0;
  }
  write_(
      fmt::format("{{\"type\":\"live\",\"repetition\":{},\"now_ns\":{},\"sent\":[{}],\"answered\":[{}]}}\n",
                  ordinal_, now - began, sent, answered));
}

void RunStream::ended(const RunRepetition& repetition) {
  RunRepetition room;
  const RunRepetition& one = whole(repetition, room);
  std::string line;
  encode(RepetitionLine{one, ordinal_, one.records.size(), one.events.size(), false}, line);
  write_(line);
  const auto load_case = std::ranges::find(scenario_.cases, one.case_id, &Case::id);
  if (load_case == scenario_.cases.end()) return;
  const std::vector<Lane> lanes = one.events.empty() ? std::vector<Lane>{}
                                                     : make_lanes(one.records, Occupancy(one.events),
                                                                  scenario_.routes, *load_case, kMaxPictured);
  write_(fmt::format("{{\"type\":\"picture\",\"repetition\":{},\"picture\":{}}}\n", ordinal_,
                     picture_json(lanes, one, scenario_)));
}

void RunStream::document(const Report& report, const Run& run) {
  std::string page = page_json(report, scenario_, run);
  page.pop_back();
  write_(fmt::format("{{\"type\":\"document\",\"document\":{}}}\n", page));
}

std::string RunStream::failure(const Error& error) {
  return json_line({{"type", "error"},
                    {"exit", static_cast<int>(error.kind)},
                    {"message", json_text(error.message)}}) +
         end_line(false, error.message);
}

void RunStream::end(bool complete, std::string_view reason) {
  write_(end_line(complete, reason));
}

}  // namespace lab
