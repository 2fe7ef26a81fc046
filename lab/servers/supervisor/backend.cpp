#include "lab/servers/supervisor/backend.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <filesystem>
#include <string>
#include <system_error>

#include "lab/core/paths.hpp"
#include "lab/core/process.hpp"
#include "lab/core/unique_fd.hpp"
#include "lab/servers/supervisor/setup_codec.hpp"

namespace lab {

namespace fs = std::filesystem;

namespace {

constexpr const char* kProgram = "lab-io-uring";
constexpr int kArguments = 6;          // its name, setup, report, rings, slots, capacity
constexpr unsigned kRingSize = 16384;  // what Asio asks for; where memory is short a smaller one may be had

std::string read_whole(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return {};
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t size = pread(fd, text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
}

template <class Number>
Number to_number(const char* text) {
  Number value{};
  std::from_chars(text, text + std::strlen(text), value);
  return value;
}

}  // namespace

Result<fs::path> io_uring_program(const fs::path& folder) {
  for (fs::path path : {folder / kProgram, folder.parent_path() / "bin" / kProgram}) {
    if (access(path.c_str(), X_OK) == 0) return path;
  }
  return environment_error("no {} beside this program; build it with liburing-dev installed", kProgram);
}

Result<void> backend_available(Backend backend) {
  if (backend == Backend::epoll) return {};
  if (auto program = io_uring_program(program_path().parent_path()); !program) return program.error();
  io_uring_params parameters{};
  const long fd = syscall(SYS_io_uring_setup, kRingSize, &parameters);
  if (fd >= 0) {
    close(static_cast<int>(fd));
    return {};
  }
  const int problem = errno;
  if (problem == EPERM || problem == EACCES)
    return environment_error(
        "the kernel refuses io_uring here (a container's seccomp, or kernel.io_uring_disabled); allow it or "
        "run outside the container");
  if (problem == ENOSYS)
    return environment_error("this kernel has no io_uring; it takes Linux 5.10 or later");
  return system_error("io_uring_setup", "the io_uring backend", problem);
}

void report_error(int report, const Error& error) {
  write_all(report, fmt::format("error {} {}\n", static_cast<int>(error.kind), error.message));
}

Result<ChildProcess> start_io_uring_master(const ServerSetup& setup, const EventRings* rings, int report) {
  if (auto available = backend_available(Backend::io_uring); !available) return available.error();
  const auto program = io_uring_program(program_path().parent_path());
  if (!program) return program.error();
  const UniqueFd text(memfd_create("lab-setup", MFD_CLOEXEC));
  if (!text.valid() || !write_all(text.get(), encode_setup(setup)))
    return system_error("memfd_create", "the server's setup", errno);
  const int ring = rings == nullptr ? -1 : rings->descriptor();
  const std::string setup_number = std::to_string(text.get());
  const std::string report_number = std::to_string(report);
  const std::string ring_number = std::to_string(ring);
  const std::string slots = std::to_string(rings == nullptr ? 0 : rings->slots());
  const std::string capacity = std::to_string(rings == nullptr ? 0 : rings->capacity());
  return ChildProcess::start("the server's master", {report, text.get(), ring}, [&] {
    for (const int fd : {report, text.get(), ring}) {
      if (fd >= 0) fcntl(fd, F_SETFD, 0);
    }
    execl(program->c_str(), kProgram, setup_number.c_str(), report_number.c_str(), ring_number.c_str(),
          slots.c_str(), capacity.c_str(), nullptr);
    report_error(report, system_error("exec", program->string(), errno));
    return 1;
  });
}

int serve_from_arguments(int count, char** arguments) {
  if (count != kArguments) {
    fmt::print(stderr, "{}: lab starts this program; there is nothing to do with it by hand\n", kProgram);
    return static_cast<int>(ErrorKind::usage);
  }
  UniqueFd text(to_number<int>(arguments[1]));
  UniqueFd report(to_number<int>(arguments[2]));
  const int ring = to_number<int>(arguments[3]);
  fcntl(report.get(), F_SETFD, FD_CLOEXEC);
  const auto refuse = [&report](const Error& error) {
    report_error(report.get(), error);
    return 1;
  };
  const auto setup = decode_setup(read_whole(text.get()));
  text.reset();
  if (!setup) return refuse(setup.error());
  EventRings rings;
  if (ring >= 0) {
    auto attached =
        EventRings::attach(ring, to_number<int>(arguments[4]), to_number<std::size_t>(arguments[5]));
    if (!attached) return refuse(attached.error());
    rings = std::move(*attached);
  }
  return serve_as_master(*setup, ring >= 0 ? &rings : nullptr, std::move(report));
}

}  // namespace lab
