// How results are spelt: the options that every verb with results has.
#include <sys/ioctl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdlib>
#include <string_view>

#include "lab/cli/options.hpp"
#include "lab/cli/words.hpp"

namespace lab {

namespace {

constexpr Word<Format> kFormats[] = {{"text", Format::text},     {"json", Format::json},
                                     {"md", Format::markdown},   {"csv", Format::csv},
                                     {"svg", Format::svg},       {"html", Format::html},
                                     {"trace", Format::trace},   {"vegeta", Format::vegeta},
                                     {"gbench", Format::gbench}, {"gradescope", Format::gradescope}};
constexpr Word<int> kColors[] = {{"auto", -1}, {"always", 1}, {"never", 0}};

/// `text, json or md`.
std::string listed(const std::vector<Format>& formats) {
  std::string list;
  std::size_t left = formats.size();
  for (const Word<Format>& word : kFormats) {
    if (std::find(formats.begin(), formats.end(), word.value) == formats.end()) continue;
    list += fmt::format("{}{}", word.word, left > 2 ? ", " : left == 2 ? " or " : "");
    --left;
  }
  return list;
}

Result<Format> pick_format(const RawOutputOptions& raw) {
  std::vector<std::string> given;
  bool known = false;
  for (const Word<Format>& word : kFormats) {
    const bool has = std::find(raw.formats.begin(), raw.formats.end(), word.value) != raw.formats.end();
    if (has && raw.format == word.word) return word.value;
    if (has) given.emplace_back(word.word);
    known |= raw.format == word.word;
  }
  if (known) return usage_error("--format: {} gives {}, not {}", raw.verb, listed(raw.formats), raw.format);
  return usage_error("--format: unknown word '{}'{}", raw.format, suggestion(raw.format, given));
}

int terminal_width() {
  winsize size{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
    return std::clamp<int>(size.ws_col, 40, 100);
  return 80;
}

}  // namespace

void add_format_option(CLI::App& app, RawOutputOptions& raw, const std::vector<Format>& formats) {
  raw.formats = formats;
  raw.verb = "lab " + app.get_name();
  add_text(app, "--format", raw.format, listed(formats))->capture_default_str();
}

void add_output_options(CLI::App& app, RawOutputOptions& raw, const std::vector<Format>& formats) {
  add_format_option(app, raw, formats);
  app.add_flag("--ascii", raw.ascii, "no character beyond ASCII");
  add_text(app, "--color", raw.color, "auto, always or never (NO_COLOR is respected)")->capture_default_str();
  app.add_flag("--quiet", raw.quiet, "no progress on stderr");
}

Result<OutputOptions> check_output_options(const RawOutputOptions& raw) {
  OutputOptions output;
  auto format = pick_format(raw);
  if (!format) return format.error();
  auto color = pick("--color", raw.color, kColors);
  if (!color) return color.error();
  output.format = *format;
  output.quiet = raw.quiet;
  output.terminal = isatty(STDOUT_FILENO) == 1;
  output.style.ascii = raw.ascii;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  const bool dumb = term != nullptr && std::string_view(term) == "dumb";
  const bool automatic = output.terminal && !dumb && (no_color == nullptr || *no_color == '\0');
  output.style.color = *color < 0 ? automatic : *color == 1;
  output.style.width = output.terminal ? terminal_width() : 80;
  return output;
}

}  // namespace lab
