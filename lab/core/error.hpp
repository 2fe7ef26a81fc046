#pragma once

#include <fmt/format.h>

#include <boost/system/result.hpp>
#include <exception>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>

namespace lab {

/// What went wrong decides how the program ends; the value is the exit code.
enum class ErrorKind { check_failed = 1, usage = 2, environment = 3 };

/// One line for a person: what is wrong, where, and how to mend it.
struct Error {
  ErrorKind kind = ErrorKind::environment;
  std::string message;
};

/// A value or the reason why there is none. `value()` on an error throws Failure.
template <class T>
using Result = boost::system::result<T, Error>;

#define LAB_JOINED(a, b) a##b
#define LAB_TRY_AS(result, declaration, ...) \
  auto result = (__VA_ARGS__);               \
  if (!result) return result.error();        \
  declaration = *std::move(result)
#define LAB_TRY_AT(line, declaration, ...) LAB_TRY_AS(LAB_JOINED(tried_, line), declaration, __VA_ARGS__)
/// `LAB_TRY(const Scenario scenario, load_scenario(name));` declares (or assigns) what the call gives; where
/// that is an error, this function returns it. Two statements: not behind an `if` without braces.
#define LAB_TRY(declaration, ...) LAB_TRY_AT(__LINE__, declaration, __VA_ARGS__)
/// The same of a call that gives nothing but perhaps an error: `LAB_CHECK(settle_claims(file, modes));`
#define LAB_CHECK(...) \
  if (auto checked = (__VA_ARGS__); !checked) return checked.error()

/// Carries an Error out of setup code; caught once, in main.
class Failure : public std::exception {
 public:
  explicit Failure(Error error) : error_(std::move(error)) {}
  const char* what() const noexcept override { return error_.message.c_str(); }
  const Error& error() const noexcept { return error_; }

 private:
  Error error_;
};

[[noreturn]] inline void throw_exception_from_error(const Error& error,
                                                    const boost::source_location& /*where*/) {
  throw Failure(error);
}

/// Bad usage or bad input (exit 2).
template <class... Args>
Error usage_error(fmt::format_string<Args...> text, Args&&... args) {
  return {ErrorKind::usage, fmt::format(text, std::forward<Args>(args)...)};
}

/// Throws that Failure where the input is `wrong`. The arguments are evaluated in any case.
template <class... Args>
void refuse_if(bool wrong, fmt::format_string<Args...> text, Args&&... args) {
  if (wrong) throw Failure(usage_error(text, std::forward<Args>(args)...));
}

/// What `run` gives, or the Failure in which it ended.
template <class Run>
auto caught(const Run& run) -> Result<decltype(run())> {
  try {
    if constexpr (std::is_void_v<decltype(run())>) {
      run();
      return {};
    } else {
      return run();
    }
  } catch (const Failure& failure) {
    return failure.error();
  }
}

/// The same result; an error begins with what it is about: `--ready: …`.
template <class T>
Result<T> about(std::string_view what, Result<T> result) {
  if (result) return result;
  return Error{result.error().kind, fmt::format("{}: {}", what, result.error().message)};
}

/// The environment stopped it (exit 3).
template <class... Args>
Error environment_error(fmt::format_string<Args...> text, Args&&... args) {
  return {ErrorKind::environment, fmt::format(text, std::forward<Args>(args)...)};
}

/// A system call failed: names the call, the object and the reason (exit 3).
inline Error system_error(std::string_view call, std::string_view object, int error_number) {
  return environment_error("{} {}: {}", call, object, std::generic_category().message(error_number));
}

}  // namespace lab
