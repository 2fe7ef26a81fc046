#pragma once

#include <optional>
#include <string>

#include "harness/client/load_url.hpp"
#include "harness/diagnosis/examination.hpp"
#include "lab/experiment/options.hpp"

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

}  // namespace lab
