#pragma once

#include "lab/core/traits.hpp"
#include "lab/servers/http/limits.hpp"

namespace lab {

/// Its row of the table, which the model knows even in a program that has no such server.
constexpr Traits kThreadPerRequest{.name = "thread-per-request",
                                   .summary = "a thread for each connection, T of them (cpp-httplib)",
                                   .fastapi = "WSGI: Flask, Django",
                                   .handler = Resource::thread,
                                   .waiting = Resource::thread,
                                   .computing = Resource::thread,
                                   .idle = Resource::thread,
                                   .idle_timeout = kIdleTimeout};

}  // namespace lab
