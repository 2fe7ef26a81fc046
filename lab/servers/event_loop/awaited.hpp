#pragma once

#include "lab/servers/event_loop/loop.hpp"
#include "lab/servers/steps/leaf.hpp"

namespace lab {

/// A waiting step that is awaited: it holds nothing, and the loop is free from the suspension until what it
/// waits for has come and the loop comes back to it.
Task await_step(Call& call, Loop& loop, const Step& step, StepPlace place);

/// Asks PostgreSQL over the connection, opened first where it is none, and suspends the caller until the
/// result is there (libpq without blocking).
boost::asio::awaitable<LeafFault, Executor> await_query(Call& call, Loop& loop, PgConnection& connection,
                                                        const Query& query);

}  // namespace lab
