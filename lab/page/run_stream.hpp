#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/experiment/experiment.hpp"
#include "results/report/report.hpp"

namespace lab {

/// Says what happens in a run while it happens, one JSON object a line (README.md): those of run.jsonl as
/// they stand there, and between them what a page draws.
class RunStream {
 public:
  using Write = std::function<void(std::string_view line)>;

  /// Takes the observer's calls. The scenario must outlive it.
  RunStream(const Scenario& scenario, std::uint64_t seed, Write write, ExperimentObserver& observer);

  void document(const Report& report, const Run& run);
  /// The lines of a run that ends before it begins.
  static std::string failure(const Error& error);
  void end(bool complete, std::string_view reason);

 private:
  void begin(const EngineArm& arm, const Case& load_case, int number);
  void look(std::span<const RequestRecord> records, Nanos began);
  void ended(const RunRepetition& repetition);

  const Scenario& scenario_;
  std::uint64_t seed_;
  Write write_;
  std::uint32_t ordinal_ = 0;
  std::vector<bool> sent_, answered_;  // by request of the present repetition: was said
  Nanos last_said_ = 0;
};

}  // namespace lab
