#pragma once

#include <boost/describe.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "lab/course/quiz.hpp"
#include "scenarios/loader/described_toml.hpp"

namespace lab {

/// A sick server that students repair: an entry of results/repairs.toml.
struct Repair {
  std::string id;
  std::string file, server;  ///< its name, and how it is started: `{python} -m uvicorn …`
  std::string route, ping;   ///< the slow one, and the cheap one that must not suffer
  Figure at_once;            ///< so many at once
  Figure at_most;            ///< must be answered within this time,
  Figure at_least;           ///< and one alone takes that
  std::string text;          ///< the app, whose first lines say what is asked
};
BOOST_DESCRIBE_STRUCT(Repair, (), (id, file, server, route, ping, at_once, at_most, at_least, text))

struct RepairBook {
  std::vector<Repair> repairs;

  /// Throws Failure naming the nearest one.
  const Repair& find(const std::string& id) const;
};
BOOST_DESCRIBE_STRUCT(RepairBook, (), (repairs))

/// results/repairs.toml as it was when the program was built.
extern const std::string_view kRepairsText;
const RepairBook& repair_book();

/// What is wanted of a repaired server, and what was found instead; empty where that is nothing.
struct RepairCheck {
  std::string id, text, found;
};

/// One grade for each check.
struct RepairSheet : Score {
  Repair repair;
  std::vector<RepairCheck> checks;
};

/// Grades what a diagnosis says of it, the text of a lab.diagnose/1 document. Throws Failure where it is
/// none.
RepairSheet grade_diagnosis(const Repair& repair, std::string_view diagnosis);

/// Starts the app, diagnoses it with this very program, and grades that. The app can do what its user can.
/// One that can't be diagnosed gets no points, and `found` says why.
RepairSheet grade_repair(const Repair& repair, const std::string& app, const std::string& python);

std::string repair_text(const RepairSheet& sheet, const TextStyle& style);
/// lab.repair/1.
std::string repair_json(const RepairSheet& sheet);
/// The same of one that is still to be repaired, with its text.
std::string repair_json(const Repair& repair);

}  // namespace lab
