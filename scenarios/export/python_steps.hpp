#pragma once

#include <string>

#include "lab/core/plan.hpp"
#include "lab/core/scenario.hpp"
#include "lab/core/traits.hpp"
#include "scenarios/export/python_file.hpp"
#include "scenarios/loader/code_line.hpp"

namespace lab {

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

}  // namespace lab
