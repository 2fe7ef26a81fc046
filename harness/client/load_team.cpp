#include "harness/client/load_team.hpp"

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

#include "harness/client/load_generator.hpp"
#include "harness/client/load_mpi.hpp"

namespace lab {

namespace {

constexpr int kRounds = 200;
// Long enough for every rank to be waiting for the start when it comes.
constexpr Nanos kMpiRunUp = 50 * kMillisecond;

bool started_by_mpirun() {
  const char* const ranks = std::getenv("OMPI_COMM_WORLD_SIZE");
  return ranks != nullptr && std::atoi(ranks) > 1;
}

Result<const LabMpi*> load_plugin() {
  const auto path = mpi_plugin();
  if (!path) {
    return environment_error(
        "mpirun started this program, but it was built without Open MPI (lab_mpi.so is missing); install "
        "libopenmpi-dev and build again (./labw build)");
  }
  void* const library = dlopen(path->c_str(), RTLD_NOW | RTLD_GLOBAL);
  if (library == nullptr) return environment_error("{} cannot be loaded: {}", path->string(), dlerror());
  const auto entry = reinterpret_cast<LabMpiEntry>(dlsym(library, "lab_mpi"));
  const LabMpi* const functions = entry != nullptr ? entry() : nullptr;
  if (functions != nullptr && functions->version == kLabMpiVersion) return functions;
  return environment_error("{} belongs to another version; build everything again", path->string());
}

}  // namespace

std::optional<std::filesystem::path> mpi_plugin() {
  std::error_code error;
  const std::filesystem::path folder = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  for (const auto& path : {folder / "lab_mpi.so", folder / "../lib/lab/lab_mpi.so"}) {
    if (std::filesystem::exists(path, error)) return path;
  }
  return std::nullopt;
}

Result<std::unique_ptr<LoadTeam>> LoadTeam::join() {
  std::unique_ptr<LoadTeam> team(new LoadTeam);
  if (!started_by_mpirun()) return team;
  LAB_TRY(const LabMpi* const plugin, load_plugin());
  if (plugin->start(&team->rank_, &team->ranks_) != 0) return environment_error("MPI_Init failed");
  team->mpi_ = plugin;
  team->offsets_.resize(static_cast<std::size_t>(team->ranks_), 0);
  team->errors_.resize(team->offsets_.size(), 0);
  team->mpi_->measure_clocks(kRounds, team->offsets_.data(), team->errors_.data());
  return team;
}

LoadTeam::~LoadTeam() {
  if (mpi_ == nullptr) return;
  if (gathered_) {
    mpi_->finish();
    return;
  }
  // Whoever waits for this process waits in vain. Not now: first the error on its way to main must be
  // printed.
  const auto abandon = [](int exit_code, void* mpi) { static_cast<const LabMpi*>(mpi)->abandon(exit_code); };
  on_exit(abandon, const_cast<LabMpi*>(mpi_));
}

Nanos LoadTeam::agree_on_start(Nanos ahead) {
  return mpi_ == nullptr ? monotonic_now() + ahead : mpi_->agree_on_start(ahead + kMpiRunUp);
}

void LoadTeam::gather(LoadTotals& totals) {
  gathered_ = true;
  if (mpi_ == nullptr) return;
  const std::string mine = rank_ == 0 ? std::string() : to_bytes(totals);
  const auto take = [](void* context, const char* bytes, std::size_t size) {
    add_bytes({bytes, size}, *static_cast<LoadTotals*>(context));
  };
  mpi_->gather(mine.data(), mine.size(), take, &totals);
}

}  // namespace lab
