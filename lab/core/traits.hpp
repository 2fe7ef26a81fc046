#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "lab/core/clock.hpp"
#include "lab/core/enum_words.hpp"

namespace lab {

/// The things that requests queue for.
enum class Resource : std::uint8_t {
  nothing,
  loop,
  pool,
  thread,
  core,
  gil,
  connection,  ///< to the database, of a worker's pool of them
  queue,       ///< a worker of a task queue
};
BOOST_DESCRIBE_ENUM(Resource, nothing, loop, pool, thread, core, gil, connection, queue)
constexpr std::size_t kResources = kWordsOf<Resource>.size();

/// Who has waited so long for an interpreter's lock asks its holder to give it up (sys.getswitchinterval()).
constexpr Nanos kSwitchInterval = 5 * kMillisecond;

/// One execution model, as data: what does a request hold on to?
/// The virtual-time model needs nothing else; the servers are where the same row becomes real code.
struct Traits {
  std::string_view name;                   ///< `blocking-loop`
  std::string_view summary;                ///< one line
  std::string_view fastapi;                ///< how one writes it there
  Resource handler = Resource::nothing;    ///< while the handler's own code runs, and between its steps
  Resource waiting = Resource::nothing;    ///< while it waits
  Resource computing = Resource::nothing;  ///< while it computes, besides a core
  Resource idle = Resource::nothing;       ///< while its client is idle or its bytes still come in
  Nanos idle_timeout =
      0;  ///< after which the server closes an idle connection that holds something; 0: never

  /// A handler that cannot be ended while it waits need not begin for a client that has gone.
  bool looks_first() const {
    return handler == Resource::pool || (handler == Resource::loop && waiting == Resource::loop);
  }
  bool uses(Resource resource) const {
    return handler == resource || waiting == resource || computing == resource || idle == resource;
  }
};

}  // namespace lab
