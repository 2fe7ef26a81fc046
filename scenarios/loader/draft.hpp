#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "lab/core/scenario.hpp"
#include "scenarios/loader/loader.hpp"
#include "scenarios/loader/toml_reader.hpp"

namespace lab {

constexpr std::int64_t kMostRequests = 10'000'000;
constexpr int kMaxWorkers = 10'000;
constexpr int kMaxThreads = 100'000;
constexpr int kMaxCores = 1'024;
constexpr std::size_t kMaxSteps = 1'000;
constexpr int kMaxDepth = 16;                   ///< of steps within steps
constexpr std::int64_t kMaxExecuted = 200'000;  ///< steps of one request, repetitions counted
constexpr int kMaxConnections = 10'000;         ///< to the database, per worker
constexpr std::int64_t kMaxBytes = 100'000'000'000;
constexpr std::size_t kMaxEntries = 64;  ///< routes, cases, loads of a case, arms
constexpr std::size_t kMaxOffsets = 10'000;
constexpr Nanos kLongestSpan = 10LL * 365 * 86'400 * kSecond;  ///< what parse_duration accepts

/// A scenario while it is read: what is known so far, what the options change, the first problem.
struct Draft {
  Draft(std::string file, std::span<const Traits> all_modes, const Overrides& changes)
      : problems(std::move(file)), modes(all_modes), overrides(changes) {}

  Scenario scenario;
  Problems problems;
  std::span<const Traits> modes;
  const Overrides& overrides;
  std::set<std::string> options_used;  ///< those that found something to change
  bool figures_changed = false;        ///< the documents' figures no longer speak of what is run

  // Where things stand that only turn out wrong together with others.
  std::vector<std::vector<toml::source_region>> step_places;  ///< by route, in the order of for_each_step
  std::vector<std::vector<toml::source_region>> kill_places;  ///< by case
  std::map<std::string, QueueSettings> queues;                ///< of the scenario; arms may change them
  std::map<std::string, toml::source_region> queue_places;
  std::set<std::string> limited_by_threads;  ///< arms with accept_limit = "threads"
};

/// The text of a file: at most a byte more than the parser accepts, so that a device or a huge file ends too.
/// Errors: no such file (exit 2), not readable (exit 3) (loader.cpp).
Result<std::string> read_toml_file(const std::filesystem::path& path);

/// Is the text an id: a-z, 0-9 and -, beginning with a letter or digit, at most 40 characters?
bool is_id(std::string_view text);

/// Reads an id and reports what is no id.
std::string read_id(Draft& draft, const toml::node& node, std::string_view what);
/// The same for the key of a table, such as a route's name.
void check_id(Draft& draft, const toml::key& key, std::string_view what);

/// `--scale` multiplies what the scenario itself takes (waits, work, periods), not tolerances and moments.
enum class Scaling : std::uint8_t { scaled, fixed };

/// A duration with its unit, or `$name` of a parameter (already scaled). 0 after a problem.
Nanos read_duration(Draft& draft, const toml::node& node, std::string_view what, Scaling scaling);
Nanos read_duration(Draft& draft, const TableReader& table, std::string_view key, Scaling scaling,
                    Nanos otherwise);

/// `span` times the scale of the options; ten years and more are a problem at `where`.
Nanos scaled(Draft& draft, Nanos span, const toml::source_region& where);

/// A size with its unit, `64MB`, in bytes. At least 1; 1 after a problem.
std::int64_t read_size(Draft& draft, const toml::node& node, std::string_view what);

/// A stat whose route exists.
Stat read_stat(Draft& draft, const toml::node& node, std::string_view what);
Stat read_stat(Draft& draft, std::string_view text, const toml::source_region& where);

/// A number of that stat: a duration for times (in seconds), a number for the others.
double read_value(Draft& draft, const toml::node& node, const Stat& stat, std::string_view what,
                  Scaling scaling);

std::vector<std::string> ids_of(const std::vector<Route>& routes);
std::vector<std::string> ids_of(const std::vector<Arm>& arms);
std::vector<std::string> ids_of(const std::vector<Case>& cases);
std::vector<std::string> names_of(std::span<const Traits> modes);

/// Reports a word that is none of the known ones; returns its index, or 0 after a problem.
std::size_t read_known(Draft& draft, const toml::node& node, std::string_view what,
                       const std::vector<std::string>& known);

/// The value of a key that names one of the known ones; empty where the key is absent.
std::string read_one_of(Draft& draft, const TableReader& table, std::string_view key,
                        const std::vector<std::string>& known);

/// A sentence of the scenario with its parameters filled in: `$d`, `$d*3`, `$d/2`, and `$requests`, how many
/// the first load of that case (empty: of the first one) sends, `$workers` and `$threads`, how many the first
/// arm has that has some. An unknown name is a problem (texts.cpp).
std::string fill_in(Draft& draft, std::string_view text, const toml::source_region& where,
                    const std::string& case_id);

/// The sentence that answers the question; `{ARM.STAT}` or `{CASE: ARM.STAT}` is a figure of the run
/// (texts.cpp).
Conclusion read_answer_sentence(Draft& draft, std::string_view text, const toml::source_region& where);

// The parts of a file, in the order in which they are read.
void read_params(Draft& draft, const TableReader& file);    // values.cpp
void read_routes(Draft& draft, const TableReader& file);    // routes.cpp
void read_cases(Draft& draft, const TableReader& file);     // cases.cpp
void read_queues(Draft& draft, const TableReader& file);    // queues.cpp
void read_arms(Draft& draft, const TableReader& file);      // arms.cpp
void read_checks(Draft& draft, const TableReader& file);    // checks.cpp
void fill_question(Draft& draft, const TableReader& file);  // texts.cpp
void read_asks(Draft& draft, const TableReader& file);      // asks.cpp
void read_explain(Draft& draft, const TableReader& file);   // asks.cpp

/// Options whose value is out of range, whatever the scenario (overrides.cpp).
void check_overrides(Draft& draft);
/// The options that choose and change arms; then reports those that found nothing to change (overrides.cpp).
void finish_overrides(Draft& draft);

/// What each part alone cannot know: whether every arm can do every step, whether stats have what they speak
/// of (sense.cpp).
void check_sense(Draft& draft, const TableReader& file);
/// The same about what options may have changed (sense.cpp).
void check_changed(Draft& draft);

/// The queues of one arm: those of the scenario with the arm's changes; `node` may be null (queues.cpp).
std::map<std::string, QueueSettings> queues_of_arm(Draft& draft, const toml::node* node,
                                                   std::string_view what);

/// Queues that nothing is put into, results of queues that there are not (queues.cpp).
void check_queues(Draft& draft);

/// The workers that are killed while a case runs; `node` may be null (cases.cpp).
std::vector<Kill> read_kills(Draft& draft, const toml::node* node, std::string_view what);

/// A pool, or threads of its own.
bool has_threads(const Scenario& scenario, const Arm& arm);

/// One load of a case, after the options have changed it (loads.cpp). `first`: it is the first of its case.
Load read_load(Draft& draft, const toml::table& table, bool first);

/// `def, time.sleep`, `blocking-loop × 4`: what the table says of an arm without a label (arms.cpp).
std::string default_label(const Scenario& scenario, const Arm& arm);

}  // namespace lab
