#include "lab/servers/supervisor/backend.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/io_uring.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <exception>
#include <vector>

#include "lab/core/process.hpp"
#include "lab/core/text.hpp"
#include "lab/servers/mode.hpp"
#include "lab/servers/steps/wire.hpp"
#include "lab/servers/supervisor/server.hpp"

namespace lab {

namespace fs = std::filesystem;

BOOST_DESCRIBE_STRUCT(Dependency, (), (steps, asynchronous))
// Without its body, which is the client's.
BOOST_DESCRIBE_STRUCT(Route, (), (name, method, path, plan, depends, body_limit, body_deadline, reply))
BOOST_DESCRIBE_STRUCT(QueueSettings, (), (workers, capacity, shared))
// Without its modes, which go by name.
BOOST_DESCRIBE_STRUCT(Arm, (),
                      (id, label, workers, threads, gil, cores, accept, accept_limit, pool_processes,
                       connections, shared_counters, cancel, backend, queues))
BOOST_DESCRIBE_STRUCT(ServerSetup, (),
                      (routes, arm, builtin_routes, host, port, seed, log, upstream_port, postgres, store,
                       rates, header_deadline, body_deadline, write_deadline))
BOOST_DESCRIBE_STRUCT(Error, (), (kind, message))
BOOST_DESCRIBE_STRUCT(StartReport, (), (port, workers, error))
BOOST_DESCRIBE_STRUCT(Handover, (), (setup, ring, slots, capacity))

namespace {

constexpr const char* kProgram = "lab-io-uring";
constexpr int kArguments = 3;          // its name, the descriptors of its handover and of its start report
constexpr unsigned kRingSize = 16384;  // what Asio asks for; where memory is short a smaller one may be had

std::string read_whole(int fd) {
  struct stat status {};
  if (fstat(fd, &status) != 0) return {};
  std::string text(static_cast<std::size_t>(status.st_size), '\0');
  const ssize_t size = pread(fd, text.data(), text.size(), 0);
  text.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return text;
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
  LAB_CHECK(io_uring_program(program_path().parent_path()));
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

void send_report(int fd, const StartReport& report) {
  write_all(fd, to_bytes(report));
}

StartReport read_report(int fd) {
  constexpr Nanos kStartDeadline = 10 * kSecond;
  const Nanos end = monotonic_now() + kStartDeadline;
  std::string bytes;
  for (ssize_t size = 1; size > 0 && monotonic_now() < end;) {
    pollfd readable{fd, POLLIN, 0};
    if (poll(&readable, 1, static_cast<int>((end - monotonic_now()) / kMillisecond) + 1) <= 0) continue;
    char buffer[4096];
    size = TEMP_FAILURE_RETRY(read(fd, buffer, sizeof buffer));
    if (size > 0) bytes.append(buffer, static_cast<std::size_t>(size));
  }
  try {
    return from_bytes<StartReport>(bytes);
  } catch (const std::runtime_error&) {
    return {.error = environment_error("the server ended before it was ready")};
  }
}

std::string encode_handover(Handover handover) {
  std::vector<std::string> modes;
  for (const Traits& mode : handover.setup.arm.modes) modes.emplace_back(mode.name);
  return Wire()(modes, handover).take();
}

Result<Handover> decode_handover(std::string_view bytes) {
  try {
    Handover handover;
    std::vector<std::string> modes;
    Wire wire(bytes);
    if (!wire(modes, handover).at_end()) throw std::runtime_error("there is more than was written");
    for (const std::string& name : modes) {
      const Mode* mode = find_mode(name);
      if (mode == nullptr) throw Failure(environment_error("no execution model {}", name));
      handover.setup.arm.modes.push_back(mode->traits);
    }
    return handover;
  } catch (const std::exception& fault) {
    return environment_error("the setup of a server cannot be read: {}", fault.what());
  }
}

Result<ChildProcess> start_io_uring_master(const ServerSetup& setup, const EventRings* rings, int report) {
  LAB_CHECK(backend_available(Backend::io_uring));
  LAB_TRY(const fs::path program, io_uring_program(program_path().parent_path()));
  Handover handover{.setup = setup};
  if (rings != nullptr) {
    handover.ring = rings->descriptor();
    handover.slots = rings->slots();
    handover.capacity = rings->capacity();
  }
  const UniqueFd text(memfd_create("lab-setup", MFD_CLOEXEC));
  if (!text.valid() || !write_all(text.get(), encode_handover(handover)))
    return system_error("memfd_create", "the server's setup", errno);
  const std::string handover_number = std::to_string(text.get());
  const std::string report_number = std::to_string(report);
  return ChildProcess::start("the server's master", {report, text.get(), handover.ring}, [&] {
    for (const int fd : {report, text.get(), handover.ring}) {
      if (fd >= 0) fcntl(fd, F_SETFD, 0);
    }
    execl(program.c_str(), kProgram, handover_number.c_str(), report_number.c_str(), nullptr);
    send_report(report, {.error = system_error("exec", program.string(), errno)});
    return 1;
  });
}

int serve_from_arguments(int count, char** arguments) {
  if (count != kArguments) {
    fmt::print(stderr, "{}: lab starts this program; there is nothing to do with it by hand\n", kProgram);
    return static_cast<int>(ErrorKind::usage);
  }
  UniqueFd text(number_in<int>(arguments[1]).value_or(-1));
  UniqueFd report(number_in<int>(arguments[2]).value_or(-1));
  fcntl(report.get(), F_SETFD, FD_CLOEXEC);
  const auto handover = decode_handover(read_whole(text.get()));
  text.reset();
  Result<EventRings> rings = handover ? Result<EventRings>(EventRings()) : handover.error();
  if (handover && handover->ring >= 0)
    rings = EventRings::attach(handover->ring, handover->slots, handover->capacity);
  if (!rings) {
    send_report(report.get(), {.error = rings.error()});
    return 1;
  }
  return serve_as_master(handover->setup, rings->empty() ? nullptr : &*rings, std::move(report));
}

}  // namespace lab
