#pragma once

#include <fmt/format.h>

#include <boost/system/result.hpp>
#include <exception>
#include <string>
#include <string_view>
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

/// The environment stopped it (exit 3).
template <class... Args>
Error environment_error(fmt::format_string<Args...> text, Args&&... args) {
  return {ErrorKind::environment, fmt::format(text, std::forward<Args>(args)...)};
}

/// A system call failed: names the call, the object and the reason (exit 3).
Error system_error(std::string_view call, std::string_view object, int error_number);

}  // namespace lab
