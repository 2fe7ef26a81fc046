// results/report: what the lab says, as values, and each kind of it in the formats that it has;
// results/formats: the formats of a run or of a diagnosis, one file each. The verbs may use both; they know
// records, analysis and how things are rendered, but no verb.
#pragma once

#include <boost/json/value.hpp>
#include <span>
#include <string>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/scenario.hpp"
#include "results/render/page.hpp"
#include "results/report/report.hpp"
#include "results/store/run.hpp"

namespace lab {

struct DiagnosisReport;

/// What a format is given.
struct FormatInput {
  const std::vector<Report>& reports;  ///< none of a diagnosis
  TextStyle style{};
  const Run* run = nullptr;            ///< of the only report, where it is of a recorded run
  const Scenario* scenario = nullptr;  ///< of that run
  PictureStyle picture{};
  const DiagnosisReport* diagnosis = nullptr;
};

/// One way to write what runs say, or a diagnosis. Each is a file of results/formats/ whose name is its word;
/// CMake makes the table of what is there.
struct ReportFormat {
  const char* word;                                  ///< as --format takes it
  Result<std::string> (*write)(const FormatInput&);  ///< refuses what it cannot say, with the reason
  bool of_record = false;                            ///< needs `run` and `scenario`: only lab report gives it
  bool of_requests = false;                          ///< needs the requests of all repetitions in memory
  bool is_picture = false;                           ///< PictureStyle changes it
  bool is_binary = false;                            ///< not for a terminal
  bool of_diagnosis = false;                         ///< needs `diagnosis`: only lab diagnose gives it
};

/// All of them, in the order in which help lists them.
std::span<const ReportFormat* const> report_formats();

/// The reports in that format, as one text; the word must be that of a format.
Result<std::string> write_reports(std::string_view word, const FormatInput& input);

/// Reports as markup without a script: what --format html is where the classroom page is not at hand, and
/// what stands in that page for old browsers and for paper.
struct StaticPage {
  std::string title, style;
  std::string body;  ///< an element `main`
};
StaticPage static_page(const FormatInput& input);

/// Each report by itself, with `between` from one to the next.
template <class Write>
std::string one_by_one(const FormatInput& input, const char* between, Write&& write) {
  std::string text;
  for (const Report& report : input.reports) text += (text.empty() ? "" : between) + write(report);
  return text;
}

/// Question, table, lanes and the sentence that answers the question, on a screen of 24 rows; all that there
/// is where the style asks for details (text.cpp).
std::string to_text(const Report& report, const TextStyle& style);
/// The table alone; for the live view while repetitions come in.
std::string table_text(const Report& report, const TextStyle& style);

/// The arms' table, spelled but not laid out: one row per arm, case and engine; with headline stats besides
/// makespan, one per stat as well. `ascii` as in TextStyle.
Table make_table(const Report& report, bool ascii);
/// A shorter one: an arm's figures side by side, by stat, or of one stat by case, and nothing beside them.
/// The same table where there is one stat and one case.
Table make_short_table(const Report& report, bool ascii);

/// Where arms have several workers: how many requests each of them served in the first repetition, and how
/// many the busiest one in all of them. No rows where none has.
Table make_worker_table(const Report& report);

/// `{"tag": "WHY", "text": …}`
boost::json::value as_json(const Note& note);

}  // namespace lab
