#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lab/core/clock.hpp"
#include "lab/core/enum_words.hpp"
#include "lab/core/stat.hpp"
#include "lab/core/text.hpp"

namespace lab {

/// What is measured: one stat of one arm on one case, served by one engine.
struct Measure {
  std::string scenario, engine, arm;
  std::string case_id;  ///< empty until settle_claims: the scenario's only case
  Stat stat;
  std::string written{};  ///< set by settle_claims: the scenario's arm, of `async-loop@uvloop` `async-loop`
};

enum class Relation : std::uint8_t { below, above, about, equals };
BOOST_DESCRIBE_ENUM(Relation, below, above, about, equals)

/// A measure held against a number, a parameter of its scenario, or another measure.
struct Condition {
  Measure left;
  Relation relation = Relation::below;
  double within = 0;            ///< of about: 0.2 is 20 %
  double times = 1;             ///< of parameter and measure
  std::optional<double> value;  ///< seconds at full scale, bytes, or a plain number
  std::string param;            ///< `d`
  std::optional<Measure> right;
  std::string where;  ///< the situation in words, or empty
  std::string place;  ///< file:line:column, for messages
};

enum class ClaimOutcome : std::uint8_t { verified, refuted, qualified };
BOOST_DESCRIBE_ENUM(ClaimOutcome, verified, refuted, qualified)

/// One statement of a document that a run can test.
struct Claim {
  std::string id;
  std::string document;  ///< D2
  std::string section;   ///< where it stands in it
  bool about_fastapi = false;
  std::string text;
  std::vector<Condition> tests;       ///< the claim as the document makes it
  std::vector<Condition> exceptions;  ///< the same claim where it does not hold: of qualified ones
  ClaimOutcome outcome = ClaimOutcome::verified;  ///< on record
  std::string why;

  /// Those of both kinds, in order.
  std::vector<const Condition*> conditions() const {
    std::vector<const Condition*> all;
    for (const Condition& condition : tests) all.push_back(&condition);
    for (const Condition& condition : exceptions) all.push_back(&condition);
    return all;
  }
  /// Names of the scenarios that test it, each once.
  std::vector<std::string> scenarios() const {
    std::vector<std::string> names;
    for (const Condition* condition : conditions()) {
      if (!contains(names, condition->left.scenario)) names.push_back(condition->left.scenario);
    }
    return names;
  }
};

/// What the run of a scenario needs so that its claims can be decided.
struct RunNeeds {
  double least_scale = 0;  ///< where figures at a smaller scale would be overhead
  int cores = 0;           ///< of arms that do not say: outcomes must not hang on the machine; 0: all
};

/// One timing that a document states, and the run that shows it (`lab log`).
struct LogRow {
  std::string document, place;
  std::string written;                  ///< the configuration, as it stands there
  std::string model;                    ///< what the document calls it, or empty
  std::string claimed;                  ///< `~1.1s`, as it stands there
  double value = 0;                     ///< of `claimed`: seconds, or a plain number
  Relation relation = Relation::about;  ///< of what is measured to `value`; a threshold: below, above
  bool judged =
      true;         ///< false: a rule of thumb, or what an exercise presumes; no timing that could be wrong
  Measure measure;  ///< without an engine: every engine is asked
  Nanos from = 0;   ///< added to what is measured: the document counts from so long before
  std::map<std::string, Nanos> params;   ///< which make the run's durations the document's own
  std::optional<std::int64_t> requests;  ///< where fewer show it as well
  double quick = 0.1;                    ///< multiplies the durations under --quick
  std::string file_place;                ///< file:line:column, for messages
};

struct Document {
  std::string id;  ///< D0
  std::string title;
  std::string contributes;  ///< what the lab has from it, in a few words
};

struct ClaimsFile {
  std::vector<Document> documents;       ///< in the order of the file
  std::map<std::string, RunNeeds> runs;  ///< by scenario
  std::vector<Claim> claims;             ///< in the order of the file
  std::vector<LogRow> log;               ///< likewise
};

}  // namespace lab
