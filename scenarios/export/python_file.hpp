#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "lab/core/error.hpp"
#include "lab/core/plan.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/traits.hpp"
#include "scenarios/export/export.hpp"
#include "scenarios/loader/code_line.hpp"

namespace lab {

/// Lines of source without the newline, with their indentation.
using Lines = std::vector<std::string>;

inline void append(Lines& lines, const Lines& more) {
  lines.insert(lines.end(), more.begin(), more.end());
}

/// Each line by so many blanks further in.
Lines indented(const Lines& lines, std::size_t blanks = 4);

/// The text of a file of this folder, as it was when the program was built. It must be one of those that
/// CMake lists (LAB_EXPORTED).
std::string embedded_file(std::string_view name);

/// Words of a piece and what stands in their place.
using Filled = std::vector<std::pair<std::string_view, std::string>>;

/// The same with those words filled in.
std::string filled_file(std::string_view name, const Filled& filled);

/// The piece of that name in pieces.py or pieces.js.
Lines piece(std::string_view file, std::string_view name, const Filled& filled = {});

/// A Python module as it comes together: what is imported, what is set up, then functions. Whatever is asked
/// for twice is there once.
class PythonFile {
 public:
  /// `import time`
  void use(const std::string& module) { modules_.insert(module); }
  /// `from fastapi import FastAPI`
  void use_from(const std::string& module, const std::string& name) { names_[module].insert(name); }
  /// A statement between imports and functions: `pool = None`.
  void set(const std::string& line);
  /// A function, a decorated handler or anything else that stands by itself.
  void add(const Lines& block);
  /// A piece of pieces.py: its imports, its statements, its functions.
  void add_piece(std::string_view name, const Filled& filled = {});
  bool uses(const std::string& module) const {
    return modules_.count(module) > 0 || names_.count(module) > 0;
  }
  /// A name that nothing else has: `wanted`, `wanted_2` …
  std::string unused(const std::string& wanted);
  /// The name under which that expression is set up: `url = UPSTREAM + "/delay?ms=100"`.
  std::string named(const std::string& wanted, const std::string& expression);

  /// The module, under its `title` as documentation.
  std::string text(const std::string& title) const;

 private:
  std::set<std::string> modules_;
  std::map<std::string, std::set<std::string>> names_;
  Lines settings_;
  std::vector<Lines> blocks_;
  std::set<std::string> taken_;
  std::map<std::string, std::string> named_;  // by expression
};

/// A word of the scenario as a name that neither Python nor the modules written here use already.
std::string python_identifier(const std::string& word);

/// A text as Python writes it, in double quotes.
std::string python_string(const std::string& text);

/// A plan as the statements of a handler in the given execution model. What they need (imports, functions,
/// settings) goes into the module.
class PythonSteps {
 public:
  /// `route`: functions that the handler needs are called after it.
  PythonSteps(PythonFile& file, const Arm& arm, const Traits& mode, std::string route)
      : file_(file), arm_(arm), mode_(mode), route_(std::move(route)) {}

  /// The statements are those of this route itself: they know what its requests bring, and keep what its
  /// reply says.
  void serve(const Route& route);
  Lines statements(const Plan& plan);
  /// The same where nobody replies: in a function of the handler, in a job, in a dependency.
  Lines silent_statements(const Plan& plan);

  /// What the handler replies with, as an expression: `{"count": counter}`.
  const std::string& reply() const { return reply_.empty() ? kUsualReply : reply_; }
  /// Whether one of them has a reply of its own.
  bool replies() const { return !reply_.empty(); }
  /// Whether they assign to `prediction`.
  bool predicts() const { return predicts_; }
  /// Whether they assign to the module's `counter`.
  bool counts() const { return counts_; }
  /// Whether they hand jobs to `tasks`.
  bool has_tasks() const { return has_tasks_; }

 private:
  struct Function {
    std::string argument;  ///< `time.sleep, 0.1`
    std::string remark;
  };
  /// A step that waits or computes, in both worlds; what the one that is wanted needs is in the module.
  struct Leaf {
    PythonCall call;        ///< `time.sleep` and `0.1`
    std::string awaitable;  ///< `asyncio.sleep(0.1)`
    std::string remark;     ///< `  # in place of qrcode.make(text)`
  };

  /// Whether somebody else's thread executes them, which has neither a loop nor tasks after a reply.
  bool in_thread() const { return mode_.handler == Resource::thread; }
  bool asynchronous() const { return mode_.handler == Resource::loop; }
  Leaf leaf_of(const Step& step, bool awaited);
  /// The function of an asynchronous client: one that all requests share, or one that opens a connection for
  /// each call and closes it.
  std::string client(const CallUpstream& call);
  /// The function of the library `requests`; a session keeps its connections.
  std::string requests(bool keep);
  std::string file_to_read(const Compute& compute);

  Lines statement(const Step& step);
  Lines hand_over(const Step& step);
  Lines without_loop(const Step& step);
  Lines on_loop(const Step& step);
  std::string queue_call(const std::string& queue, const std::string& method, const std::string& argument);
  Lines leaf(const Step& step, Resource held);
  Lines wait(const Step& step, const Wait& wait);
  Lines gather(const Gather& gather);
  Lines later(const Background& background);
  /// One that a thread, or a worker of a queue, can call.
  Function function_of(const Plan& plan, const std::string& suffix);
  /// What is awaited elsewhere: `asyncio.sleep(1)`.
  Function coroutine_of(const Plan& plan, const std::string& suffix);
  std::string define(const Plan& plan, const Traits& mode, const std::string& suffix);
  std::string to_pool(const std::string& argument);
  /// The call of a function that asks SQLite, and may have to wait for another process that writes.
  std::string beside_the_loop(const std::string& function, const std::string& arguments = {});

  PythonFile& file_;
  const Arm& arm_;
  const Traits& mode_;
  std::string route_;
  std::string features_ = "[]";  // what a model is asked about
  inline static const std::string kUsualReply = R"({"message": "done"})";
  std::string reply_;
  bool predicts_ = false, counts_ = false, has_tasks_ = false;
};

/// A function of that name and parameters around the statements of a plan.
Lines python_function(const std::string& head, const PythonSteps& steps, const Lines& statements,
                      const std::string& last = {});

// What export_server() is made of.

/// The arm as a server of that kind executes it. Error: why it has no meaning there.
Result<Arm> real_arm(const Scenario& scenario, const Arm& arm, ExportTarget target);

/// Whether the arm's server is one of WSGI: a request has a thread, or a whole process, to itself.
bool is_wsgi(const Arm& arm);

/// Whether requests of that route bring a body, in any case of the scenario.
bool brings_body(const Scenario& scenario, std::size_t route);

/// The module of the readable file: `main`; of a scenario whose program listens somewhere by itself its own
/// name, `main_worker`.
std::string module_of(const Scenario& scenario);

/// main.py with FastAPI for an arm that has a meaning there (fastapi.cpp).
PythonFile fastapi_application(const Scenario& scenario, const Arm& arm);

/// The same as a plain WSGI application.
PythonFile wsgi_application(const Scenario& scenario, const Arm& arm);

/// server.js with Node's own http (node.cpp).
std::string node_server(const Scenario& scenario, const Arm& arm);

}  // namespace lab
