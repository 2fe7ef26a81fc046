#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <boost/beast/core/detail/base64.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>

#include "lab/core/process.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"
#include "lab/experiment/recordings.hpp"
#include "lab/experiment/report.hpp"
#include "lab/page/files.hpp"
#include "lab/page/page.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/steps/work.hpp"
#include "results/render/as_json.hpp"
#include "results/render/formatting.hpp"
#include "results/report/format.hpp"
#include "scenarios/loader/loader.hpp"

namespace lab {

namespace {

constexpr std::string_view kModelFile = "model.js";

void replace_once(std::string& text, std::string_view what, std::string_view by) {
  const std::size_t at = text.find(what);
  if (at == std::string::npos)
    throw Failure(environment_error("the page that was built into this lab has no {}", what));
  text.replace(at, what.size(), by);
}

/// JSON that stands inside of a script's element: no text of it can end that.
std::string inside_script(std::string json) {
  replace_all(json, "<", "\\u003c");
  return json;
}

std::string trimmed_line(std::string json) {
  while (json.ends_with('\n')) json.pop_back();
  return json;
}

std::string base64(std::string_view bytes) {
  namespace detail = boost::beast::detail::base64;
  std::string text(detail::encoded_size(bytes.size()), '\0');
  text.resize(detail::encode(text.data(), bytes.data(), bytes.size()));
  return text;
}

std::vector<std::string> recorded_names() {
  std::vector<std::string> names = scenario_names();
  std::erase_if(names, [](const std::string& name) {
    std::error_code ignored;
    return !std::filesystem::exists(recordings_folder() / (name + ".jsonl"), ignored);
  });
  return names;
}

/// A script that defines labRecorded(), in a page and in its worker.
std::string recorded_script() {
  std::string script = "globalThis.labRecorded=(name)=>Promise.resolve(({";
  for (const std::string& name : recorded_names()) {
    if (const auto document = recorded_document(name))
      script += fmt::format("\"{}\":{},", name, inside_script(*document));
  }
  return script + "})[name]);\n";
}

void need_page(bool with_model) {
  const bool there = !page_file("index.html").empty() && (!with_model || !page_file(kModelFile).empty());
  if (there) return;
  throw Failure(environment_error(
      "the page is not part of this lab: building it takes npm{}; ./labw setup --with page installs what is "
      "missing, then ./labw build page",
      with_model ? " and Emscripten" : ""));
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  std::error_code error;
  if (path.has_parent_path()) std::filesystem::create_directories(path.parent_path(), error);
  const std::string part = path.string() + ".part";
  std::ofstream file(part, std::ios::binary | std::ios::trunc);
  file.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  file.close();
  if (file && std::rename(part.c_str(), path.c_str()) == 0) return;
  const int why = error ? error.value() : errno;
  std::filesystem::remove(part, error);
  throw Failure(system_error("cannot write", path.string(), why));
}

/// The style sheet with its fonts in it.
std::string style_with_fonts() {
  std::string style(page_file("page.css"));
  for (const PageFile& file : page_files()) {
    if (!file.name.ends_with(".woff2")) continue;
    const std::string data = fmt::format("data:font/woff2;base64,{}", base64(file.bytes));
    for (const std::string_view before : {"url(./", "url("})
      replace_all(style, fmt::format("{}{})", before, file.name), fmt::format("url({})", data));
  }
  return style;
}

/// What students open, and the squares of its QR code where this program makes them.
std::string class_json(const std::string& address) {
  boost::json::object joins{{"address", json_text(address)}};
  if (const auto code = qr_code_of(address)) joins.emplace("code", as_json(*code));
  return boost::json::serialize(joins);
}

/// A browser that is too old shows a recorded run to others; of a student that would answer the question.
void hide_recorded(std::string& page) {
  constexpr std::string_view kBegin = "<main class=\"old\">";
  const std::size_t begin = page.find(kBegin);
  const std::size_t end = page.find("</main>", std::min(begin, page.size()));
  if (end == std::string::npos)
    throw Failure(environment_error("the page that was built into this lab has no {}", kBegin));
  page.replace(
      begin + kBegin.size(), end - begin - kBegin.size(),
      "<p>This browser cannot vote: it is too old, or takes no scripts or no cookies. Raise your hand "
      "instead.</p>");
}

/// index.html with what it is to know in its data block.
void put_config(std::string& page, const std::string& json) {
  replace_once(page, "id=\"lab-config\">{}<", "id=\"lab-config\">" + inside_script(json) + "<");
}

/// A script of the page as it stands in the page itself.
std::string script_text(std::string_view name) {
  std::string script(page_file(name));
  replace_all(script, "</script", "<\\/script");
  return script;
}

/// index.html with scripts, style and pictures in it; `before`: in front of the page's script.
std::string page_in_one(std::string_view before) {
  std::string page(page_file("index.html"));
  replace_once(page, "<script src=\"boot.js\"></script>",
               fmt::format("<script>{}</script>", script_text("boot.js")));
  replace_once(page, "<link rel=\"stylesheet\" href=\"page.css\">",
               fmt::format("<style>{}</style>", style_with_fonts()));
  replace_once(page, "<script src=\"page.js\" defer></script>",
               fmt::format("{}<script>{}</script>", before, script_text("page.js")));
  replace_all(page, "src=\"recorded.svg\"",
              fmt::format("src=\"data:image/svg+xml;base64,{}\"", base64(page_file("recorded.svg"))));
  return page;
}

/// `'sha256-…'` of a script in the page, as a policy names it.
std::string policy_hash(std::string_view script) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> sum{};
  unsigned size = 0;
  EVP_Digest(script.data(), script.size(), sum.data(), &size, EVP_sha256(), nullptr);
  return fmt::format("'sha256-{}'", base64({reinterpret_cast<const char*>(sum.data()), size}));
}

constexpr std::string_view kOldBrowsers =
    "<p class=\"old\">The lanes replay in a browser of 2022 or later with scripts allowed. Yours shows them "
    "as they ended.</p>";

/// The report in the words that a reader can type.
Report as_typed(Report report) {
  for (Note& remark : report.remarks) remark.text = as_called(remark.text);
  report.command = as_called(report.command);
  return report;
}

std::string recorded_config(const FormatInput& input, const std::vector<ShownRun>& runs) {
  const PictureStyle& style = input.picture;
  std::vector<Scenario> scenarios;
  std::string documents;
  for (std::size_t i = 0; i < runs.size(); ++i) {
    const auto& [scenario, run] = runs[i];
    scenarios.push_back(*scenario);
    documents += i == 0 ? "" : ",";
    documents += trimmed_line(page_json(as_typed(input.reports[i]), *scenario, *run, style.chosen));
  }
  return fmt::format(R"({{"source":"recorded","program":{},"slide":{},{}"catalogue":{},"documents":[{}]}})",
                     boost::json::serialize(json_text(command_word())), style.slide,
                     style.dark ? fmt::format(R"("theme":"{}",)", *style.dark ? "dark" : "light") : "",
                     trimmed_line(catalogue_json(scenarios)), documents);
}

std::string config_json(const PageConfig& config) {
  std::string json = fmt::format("{{\"source\":\"{}\"", config.source);
  const auto add = [&](std::string_view key, const std::string& value) {
    if (!value.empty()) json += fmt::format(",\"{}\":{}", key, value);
  };
  const auto quoted = [](std::string_view text) {
    return text.empty() ? "" : boost::json::serialize(json_text(text));
  };
  add("scenario", quoted(config.scenario));
  if (config.role) add("role", quoted(to_string(*config.role)));
  if (config.role != PageRole::student) {
    if (!config.join.empty()) add("class", class_json(config.join));
    add("recorded", boost::json::serialize(as_json(recorded_names())));
    add("catalogue", trimmed_line(catalogue_json()));
  }
  if (config.source == "model" && !config.scenario.empty()) {
    const boost::json::object call{
        {"call", "predict"}, {"scenario", json_text(config.scenario)}, {"reference", true}};
    add("first", trimmed_line(answer_call(boost::json::serialize(call))));
  }
  return json + "}";
}

}  // namespace

std::string_view page_file(std::string_view name) {
  const auto& files = page_files();
  const auto found = std::ranges::find(files, name, &PageFile::name);
  return found == files.end() ? std::string_view{} : found->bytes;
}

std::string_view media_type(std::string_view name) {
  constexpr std::pair<std::string_view, std::string_view> kTypes[] = {
      {".html", "text/html; charset=utf-8"},
      {".js", "text/javascript; charset=utf-8"},
      {".css", "text/css; charset=utf-8"},
      {".svg", "image/svg+xml"},
      {".woff2", "font/woff2"},
      {".json", "application/json"}};
  for (const auto& [ending, type] : kTypes) {
    if (name.ends_with(ending)) return type;
  }
  return "application/octet-stream";
}

std::optional<std::string> recorded_document(const std::string& name) {
  if (!contains(recorded_names(), name)) return std::nullopt;
  RecordedRun recorded = read_recorded(recordings_folder() / (name + ".jsonl"));
  RunHeader& header = recorded.run.header;
  header.environment.emplace_back(kRecordingMade, describe_making(header));
  for (RunRepetition& repetition : recorded.run.repetitions) {
    if (repetition.engine == kFastapi) repetition.engine = kRecorded;
  }
  Report report = make_report(recorded.scenario, recorded.run);
  std::erase_if(report.arms,
                [](const ArmReport& arm) { return arm.engine.is(kModel); });  // the page has its own
  return trimmed_line(page_json(report, recorded.scenario, recorded.run));
}

std::string index_page(const PageConfig& config) {
  need_page(false);
  std::string page(page_file("index.html"));
  if (config.role == PageRole::student) hide_recorded(page);
  put_config(page, config_json(config));
  return page;
}

void export_page(const std::string& folder, const std::string& scenario) {
  need_page(true);
  for (const PageFile& file : page_files()) {
    if (file.name != "index.html" && file.name != kModelFile)
      write_file(std::filesystem::path(folder) / file.name, file.bytes);
  }
  write_file(std::filesystem::path(folder) / kModelFile,
             std::string(page_file(kModelFile)) + "\n" + recorded_script());
  write_file(std::filesystem::path(folder) / "index.html", index_page({"model", scenario}));
}

void export_single_page(const std::string& file, const std::string& scenario) {
  need_page(true);
  std::string page = page_in_one(
      fmt::format("<script type=\"text/plain\" id=\"lab-model\">{}</script>\n<script>{}</script>\n",
                  base64(page_file(kModelFile)), recorded_script()));
  put_config(page, config_json({"model", scenario}));
  write_file(file, page);
}

std::string report_page(const FormatInput& input, const std::vector<ShownRun>& runs) {
  if (page_file("index.html").empty()) {
    print_warning(
        "this page has no replay: building that takes npm; ./labw setup --with page installs what is "
        "missing, then ./labw build page");
    return write_reports("html", input).value();
  }
  const StaticPage whole = static_page(input);
  std::string page = page_in_one("");
  const std::string policy = fmt::format(
      "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; script-src {} {}; "
      "style-src 'unsafe-inline'; img-src data:; font-src data:\">\n",
      policy_hash(script_text("boot.js")), policy_hash(script_text("page.js")));
  constexpr std::string_view kEnd = "</main>";
  const std::size_t old = page.find("<main class=\"old\">");
  page.replace(old, page.find(kEnd, old) + kEnd.size() - old, kOldBrowsers);
  replace_once(page, "<title>Concurrency Lab</title>",
               fmt::format("{}<title>{}</title>", policy, escape_markup(whole.title)));
  replace_once(page, "</head>", fmt::format("<style>{}</style>\n</head>", whole.style));
  replace_once(page, "<script type=\"application/json\"", whole.body + "<script type=\"application/json\"");
  put_config(page, recorded_config(input, runs));
  return page;
}

}  // namespace lab
