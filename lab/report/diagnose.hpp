#pragma once

#include <optional>
#include <string>

#include "harness/client/load_url.hpp"
#include "harness/diagnosis/examination.hpp"
#include "harness/diagnosis/verdict.hpp"
#include "lab/experiment/options.hpp"
#include "results/report/diagnosis.hpp"

namespace lab {

/// What `lab diagnose` is asked for.
struct DiagnoseOptions {
  Url url;
  std::optional<Url> ping;
  std::string request, ping_request;  ///< whole, as sent
  bool to_head = false;
  ExaminationOptions examination;
  bool check = false, own_server = false;
  OutputOptions output;
};

/// Asks the server and prints the verdict. Returns the exit code: 1 where `check` found a blocked loop, 130
/// or 143 after an interruption. Throws Failure (exit 3) where the request fails even when it is alone, and
/// where `check` could not tell.
int diagnose(const DiagnoseOptions& options);

/// `will send at most 511 requests, at most 64 at once, 1 to 9 s`
std::string announce(const Outlook& outlook);

/// What was seen and concluded, in words.
DiagnosisReport tell_diagnosis(const DiagnoseOptions& options, const Observations& seen,
                               const Diagnosis& verdict);

}  // namespace lab
