#include <cstddef>
#include <new>
#include <string>
#include <vector>

#include "lab/cli/command.hpp"
#include "lab/core/error.hpp"
#include "lab/core/interrupt.hpp"
#include "lab/core/terminal.hpp"
#include "lab/core/text.hpp"

namespace {

/// One line that a terminal can show: a megabyte that was pasted is cut.
std::string one_line(const std::string& message) {
  constexpr std::size_t kLongest = 1200;
  constexpr std::size_t kKept = 500;
  std::string text = lab::printable(message, false);
  if (text.size() <= kLongest) return text;
  return text.substr(0, kKept) + " ... " + text.substr(text.size() - kKept);
}

int complain(const lab::Error& error) {
  lab::print_error("lab: {}\n", one_line(error.message));
  return static_cast<int>(error.kind);
}

int run(const std::vector<std::string>& words) {
  const std::vector<lab::Command> commands = lab::all_commands();
  const lab::ParsedLine line = lab::parse_command_line(commands, words);
  if (line.command == nullptr) return line.exit_code;
  lab::watch_for_interrupts();
  return line.command->run();
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run({argv + (argc > 0 ? 1 : 0), argv + argc});
  } catch (const lab::Failure& failure) {
    const int exit_code = complain(failure.error());
    return lab::interrupt_signal() != 0 ? lab::interrupt_exit_code() : exit_code;
  } catch (const std::bad_alloc&) {
    return complain(lab::environment_error(
        "memory ran out; give it more (ulimit -v, the container's limit), or fewer requests or repetitions"));
  } catch (const std::exception& error) {
    return complain(lab::environment_error("{}", error.what()));
  }
}
