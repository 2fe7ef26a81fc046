#pragma once

#include <functional>

namespace CLI {
class App;
}

namespace lab {

/// What the chosen verb does; returns the exit code, throws Failure.
using Action = std::function<int()>;

void add_list(CLI::App& app, Action& action);
void add_show(CLI::App& app, Action& action);
void add_run(CLI::App& app, Action& action);
void add_predict(CLI::App& app, Action& action);
void add_serve(CLI::App& app, Action& action);
void add_load(CLI::App& app, Action& action);
void add_diagnose(CLI::App& app, Action& action);
void add_export(CLI::App& app, Action& action);
void add_report(CLI::App& app, Action& action);
void add_history(CLI::App& app, Action& action);
void add_compare(CLI::App& app, Action& action);
void add_sweep(CLI::App& app, Action& action);
void add_verify(CLI::App& app, Action& action);
void add_explain(CLI::App& app, Action& action);
void add_advise(CLI::App& app, Action& action);
void add_quiz(CLI::App& app, Action& action);
void add_grade(CLI::App& app, Action& action);
void add_completion(CLI::App& app, Action& action);
void add_doctor(CLI::App& app, Action& action);

}  // namespace lab
