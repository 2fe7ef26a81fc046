// A run's record that somebody forged: it is read, or refused in one line, and whatever was read can be
// reported in every format.

#include <algorithm>
#include <utility>

#include "lab/core/terminal.hpp"
#include "lab/experiment/recordings.hpp"
#include "lab/experiment/report.hpp"
#include "results/report/format.hpp"
#include "tests/fuzz/records.hpp"

namespace lab::fuzz {

namespace {

void check_entries(const RecordedRun& recorded) {
  for (const RunRepetition& repetition : recorded.run.repetitions) {
    std::uint32_t last = 0;
    for (const RequestRecord& record : repetition.records) {
      expect(record.route < recorded.scenario.routes.size(), "a route of the scenario");
      expect(std::exchange(last, record.id) < record.id, "requests are in order");
      expect(record.worker >= -1, "a worker, or none");
    }
    expect(std::ranges::is_sorted(repetition.events, {}, &Event::at), "events are in order");
  }
}

void report(const RecordedRun& recorded) {
  const std::vector<Report> reports{make_report(recorded.scenario, recorded.run)};
  for (const ReportFormat* format : report_formats()) {
    if (format->is_binary || format->of_diagnosis) continue;
    const auto written = format->write({reports, {}, &recorded.run, &recorded.scenario});
    if (!written) continue;
    expect(written->find('\x1b') == std::string::npos, "no escapes", format->word);
  }
}

}  // namespace

std::vector<std::string> seeds() {
  std::vector<std::string> all{short_record("blocking-async", 1), short_record("gil", 2),
                               short_record("worker-identity", 1), short_record("pool-limit", 1)};
  RunRepetition repetition;
  repetition.arm = "async-loop";
  repetition.case_id = "main";
  repetition.engine = "native";
  repetition.number = 1;
  repetition.began = 1'000'000;
  repetition.records = {
      {.id = 1, .intended = 1'000'000, .sent = 1'000'001, .received = 2'000'000, .status = 200}};
  repetition.events = {{.at = 1'000'002, .request = 1, .kind = EventKind::started}};
  const std::string& text = all.front();
  std::string mixed = text.substr(0, text.find('\n') + 1);
  encode(RepetitionLine{repetition, 1, 1, 1, true}, mixed);
  mixed += kBlocksMagic;
  mixed += encode_block(1, std::span<const RequestRecord>(repetition.records));
  mixed += encode_block(1, std::span<const Event>(repetition.events));
  all.push_back(std::move(mixed));
  return all;
}

}  // namespace lab::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  lab::fuzz::write_record(lab::fuzz::scratch(), lab::fuzz::text_of(data, size));
  try {
    const lab::RecordedRun recorded = lab::read_recorded(lab::fuzz::scratch());
    lab::fuzz::check_entries(recorded);
    lab::fuzz::report(recorded);
  } catch (const lab::Failure& failure) {
    lab::fuzz::expect(failure.error().kind == lab::ErrorKind::usage, "exit 2", failure.error().message);
  }
  return 0;
}
