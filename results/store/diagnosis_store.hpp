#pragma once

#include <filesystem>
#include <string>

#include "lab/core/error.hpp"

namespace lab {

/// `results/diagnoses` beside the runs.
std::filesystem::path default_diagnoses_folder();

/// Keeps a diagnosis: the document of `lab diagnose --format json`, in a file named by its time
/// (`2026-11-23T16-30-00Z.json`). `started_utc` as utc_now() has it. Returns its path. Error (exit 3): the
/// folder cannot be written.
Result<std::filesystem::path> save_diagnosis(const std::filesystem::path& folder,
                                             const std::string& started_utc, const std::string& document);

/// The text of the newest one whose `target` is that one, with `last`; otherwise of the file `name`. Error
/// (exit 2): there is none, or it cannot be read.
Result<std::string> find_diagnosis(const std::filesystem::path& folder, const std::string& name,
                                   const std::string& target);

}  // namespace lab
