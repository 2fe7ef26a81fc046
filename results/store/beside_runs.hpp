#pragma once

#include <boost/describe.hpp>
#include <cstddef>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "lab/core/error.hpp"

// What is kept beside the runs: sweeps, each a manifest and a folder for the run of each of its points, and
// diagnoses.

namespace lab {

/// What a sweep is, written before its first run and never changed: enough to go on with it later.
struct SweepManifest {
  std::string scenario;   ///< its name
  std::string asked_for;  ///< the name or the path by which it is loaded
  std::string source;     ///< its TOML text
  std::string version;    ///< of the program
  std::string kernel;
  int cores = 0;
  std::string started;                 ///< 2026-11-21T09:30:00Z
  std::vector<std::string> vary;       ///< of --vary
  std::vector<std::string> arguments;  ///< all other options but those of the output
  std::string stat;
  std::string schema = "lab.sweep-manifest/1";
};
BOOST_DESCRIBE_STRUCT(SweepManifest, (),
                      (schema, scenario, asked_for, source, version, kernel, cores, started, stat, vary,
                       arguments))

/// `results/sweeps` beside `results/runs`.
std::filesystem::path default_sweeps_folder();

/// Makes a sweep's folder and its manifest; whole or not at all. `save`: the folder itself, which must not
/// hold anything yet. Errors: it does (exit 2); it cannot be made or written (exit 3).
Result<std::filesystem::path> create_sweep(const std::optional<std::filesystem::path>& save,
                                           const SweepManifest& manifest);

/// A sweep's folder by path, by its name, by its scenario's (the newest), or `last`. Error (exit 2): none.
Result<std::filesystem::path> find_sweep(const std::string& name);

/// Error (exit 2): not a sweep, or of a program that wrote it differently.
Result<SweepManifest> read_manifest(const std::filesystem::path& sweep);

/// Where the run of a point goes, counted from 0. A run is there, whole, or not at all.
std::filesystem::path point_folder(const std::filesystem::path& sweep, std::size_t point);
bool point_is_done(const std::filesystem::path& sweep, std::size_t point);

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
