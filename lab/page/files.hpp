#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "lab/page/admission.hpp"

namespace lab {

struct FormatInput;
struct Run;
struct Scenario;

/// A file of the built page, kept in the program.
struct PageFile {
  std::string_view name;  ///< `index.html`, `fonts/atkinson.woff2`
  std::string_view bytes;
};

/// All of them; none where the page was not built when the program was.
const std::vector<PageFile>& page_files();
/// The bytes of one; empty where it is not there.
std::string_view page_file(std::string_view name);
/// `text/javascript; charset=utf-8`
std::string_view media_type(std::string_view name);

/// What hands the page out says to it, as README.md has it.
struct PageConfig {
  std::string source;              ///< server, model
  std::string scenario;            ///< to begin with; empty: the page's choice
  std::optional<PageRole> role{};  ///< of a server's reader
  std::string join{};              ///< the address that students open; empty: no class takes part
};

/// index.html with that in it.
std::string index_page(const PageConfig& config);

/// The committed recording of real FastAPI on that scenario, as a page document; nothing where there is none.
std::optional<std::string> recorded_document(const std::string& scenario);

/// Writes the page for any browser and static host into a folder, or all of it as one file. Errors: the page
/// or its model is not in this program, the place cannot be written (exit 3).
void export_page(const std::string& folder, const std::string& scenario);
void export_single_page(const std::string& file, const std::string& scenario);

struct PageServerOptions {
  std::uint16_t port = 0;   ///< 0: the kernel chooses
  std::string scenario;     ///< to begin with; empty: the page's choice
  bool open = false;        ///< starts the reader's browser
  bool with_class = false;  ///< students on the network vote
};

/// Serves the page on the loopback interface until Ctrl-C, and starts the runs that it asks for, each a
/// process of its own: what freezes a measured server never freezes the picture of it. Students come through
/// a door of their own, on a network address. Returns the exit code. Throws Failure (exit 3): the port is
/// taken, this machine is in no network.
int serve_page(const PageServerOptions& options);

/// What a report is of.
struct ShownRun {
  const Scenario* scenario;
  const Run* run;
};
/// --format html, one file for file://: the page with these reports in it, one run each, where they replay.
/// The page is not in every program; without it lanes and tables stand there alone, and a warning says what
/// to install.
std::string report_page(const FormatInput& input, const std::vector<ShownRun>& runs);

}  // namespace lab
