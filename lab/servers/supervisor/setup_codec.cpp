#include "lab/servers/supervisor/setup_codec.hpp"

#include <exception>
#include <vector>

#include "lab/servers/mode.hpp"
#include "lab/servers/steps/wire.hpp"

namespace lab {

BOOST_DESCRIBE_STRUCT(Dependency, (), (steps, asynchronous))
BOOST_DESCRIBE_STRUCT(Route, (), (name, method, path, plan, depends, body_limit, body_deadline))
BOOST_DESCRIBE_STRUCT(QueueSettings, (), (workers, capacity, shared))
// Without its modes, which go by name.
BOOST_DESCRIBE_STRUCT(Arm, (),
                      (id, label, workers, threads, gil, cores, accept, accept_limit, pool_processes,
                       connections, shared_counters, cancel, backend, queues))
BOOST_DESCRIBE_STRUCT(ServerSetup, (),
                      (routes, arm, builtin_routes, host, port, seed, log, upstream_port, postgres, store,
                       rates))

std::string encode_setup(ServerSetup setup) {
  std::vector<std::string> modes;
  for (const Traits& mode : setup.arm.modes) modes.emplace_back(mode.name);
  return Wire()(modes, setup).take();
}

Result<ServerSetup> decode_setup(std::string_view bytes) {
  try {
    ServerSetup setup;
    std::vector<std::string> modes;
    Wire{bytes}(modes, setup).check_end();
    for (const std::string& name : modes) {
      const Mode* mode = find_mode(name);
      if (mode == nullptr) throw Failure(environment_error("no execution model {}", name));
      setup.arm.modes.push_back(mode->traits);
    }
    return setup;
  } catch (const std::exception& fault) {
    return environment_error("the setup of a server cannot be read: {}", fault.what());
  }
}

}  // namespace lab
