#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

#include "lab/core/process.hpp"
#include "results/report/format.hpp"
#include "results/report/picture.hpp"

namespace lab {

namespace {

constexpr int kNoProgram = 127;
constexpr Nanos kLongestDrawing = 60 * kSecond;

Result<UniqueFd> memory_file(const char* name) {
  UniqueFd file(memfd_create(name, MFD_CLOEXEC));
  if (!file.valid()) return system_error("memfd_create", name, errno);
  return file;
}

std::string content_of(int file) {
  struct stat facts {};
  fstat(file, &facts);
  std::string bytes(static_cast<std::size_t>(facts.st_size), '\0');
  const ssize_t size = pread(file, bytes.data(), bytes.size(), 0);
  bytes.resize(static_cast<std::size_t>(std::max<ssize_t>(0, size)));
  return bytes;
}

/// Drawn by librsvg's own program. `zoom`: pixels for each unit of the picture.
Result<std::string> rasterise(const std::string& svg, const char* zoom) {
  LAB_TRY(const UniqueFd drawing, memory_file("lab-svg"));
  LAB_TRY(const UniqueFd picture, memory_file("lab-png"));
  LAB_TRY(const UniqueFd complaints, memory_file("lab-rsvg"));
  if (!write_all(drawing.get(), svg)) return system_error("write", "lab-svg", errno);
  lseek(drawing.get(), 0, SEEK_SET);
  LAB_TRY(ChildProcess child,
          ChildProcess::start("rsvg-convert", {drawing.get(), picture.get(), complaints.get()}, [&] {
            dup2(drawing.get(), STDIN_FILENO);
            dup2(picture.get(), STDOUT_FILENO);
            dup2(complaints.get(), STDERR_FILENO);
            execlp("rsvg-convert", "rsvg-convert", "--format=png", "--zoom", zoom, nullptr);
            return kNoProgram;
          }));
  const auto status = child.await_end(monotonic_now() + kLongestDrawing);
  if (status && WIFEXITED(*status) && WEXITSTATUS(*status) == kNoProgram) {
    return environment_error(
        "--format png is drawn by rsvg-convert, which is not here (Debian's librsvg2-bin): ./labw setup "
        "--with png; --format svg needs nothing");
  }
  if (!status || *status != 0)
    return environment_error("rsvg-convert could not draw the picture: {}", content_of(complaints.get()));
  return content_of(picture.get());
}

Result<std::string> to_png(const FormatInput& input) {
  if (input.reports.size() != 1) return usage_error("--format: png is one picture; name one scenario");
  return rasterise(to_svg(input.reports.front(), input.picture), input.picture.slide ? "1" : "2");
}

}  // namespace

extern const ReportFormat k_format_png{.word = "png", .write = to_png, .is_picture = true, .is_binary = true};

}  // namespace lab
