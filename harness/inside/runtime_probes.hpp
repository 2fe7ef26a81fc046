#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "harness/inside/probe_lines.hpp"
#include "lab/core/error.hpp"
#include "lab/core/temporary.hpp"

namespace lab {

/// A file of harness/inside/probes, which the program has in it.
struct ProbeFile {
  std::string_view name, text;
};
/// Made by CMake.
extern const std::vector<ProbeFile>& probe_files();

/// A folder with the probes of all languages that there are, and what they write; removed with this object.
/// Nothing of the server's own is written to. A server that root starts may become any user, so any may then
/// write there what a probe writes.
class RuntimeProbes {
 public:
  /// Error (exit 3): no room for it.
  static Result<RuntimeProbes> create();

  /// What a server that is to be looked into is started with, besides `environment`: LAB_INSIDE, PYTHONPATH,
  /// NODE_OPTIONS, each before what is there.
  std::vector<std::pair<std::string, std::string>> environment() const;
  ProbeLines read() const { return read_probe_lines(written()); }

 private:
  std::filesystem::path written() const { return folder_.path() / "written"; }

  TemporaryFolder folder_;
};

}  // namespace lab
