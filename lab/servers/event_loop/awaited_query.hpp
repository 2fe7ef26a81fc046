#pragma once

#include "lab/servers/event_loop/loop.hpp"
#include "lab/servers/steps/leaf.hpp"

namespace lab {

class Call;

/// Asks PostgreSQL over the connection, opened first where it is none, and suspends the caller until the
/// result is there (libpq without blocking).
boost::asio::awaitable<LeafFault, Executor> await_query(Call& call, Loop& loop, PgConnection& connection,
                                                        const Query& query);

}  // namespace lab
