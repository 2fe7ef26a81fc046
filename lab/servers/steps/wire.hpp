#pragma once

#include "lab/core/wire.hpp"
#include "lab/servers/steps/leaf.hpp"

namespace lab {

BOOST_DESCRIBE_STRUCT(Wait, (), (duration, on_connection))
BOOST_DESCRIBE_STRUCT(Compute, (), (duration, work, units, file))
BOOST_DESCRIBE_STRUCT(CallUpstream, (), (duration, keep_connection))
BOOST_DESCRIBE_STRUCT(Query, (), (duration, sql))
BOOST_DESCRIBE_STRUCT(Increment, (), ())
BOOST_DESCRIBE_STRUCT(Yield, (), ())
BOOST_DESCRIBE_STRUCT(Ready, (), ())
BOOST_DESCRIBE_STRUCT(Repeat, (), (times, steps))
BOOST_DESCRIBE_STRUCT(Gather, (), (branches))
BOOST_DESCRIBE_STRUCT(Pooled, (), (steps))
BOOST_DESCRIBE_STRUCT(Forget, (), (steps))
BOOST_DESCRIBE_STRUCT(Background, (), (steps))
BOOST_DESCRIBE_STRUCT(Enqueue, (), (queue, steps))
BOOST_DESCRIBE_STRUCT(FetchResult, (), (queue))
BOOST_DESCRIBE_STRUCT(Step, (), (action, blocking))

/// What a member of the process pool is to do.
struct LeafOrder {
  Step step;
  Nanos begun = 0;  ///< what a wait's deadline counts from
};
BOOST_DESCRIBE_STRUCT(LeafOrder, (), (step, begun))
BOOST_DESCRIBE_STRUCT(LeafFault, (), (status, reason))
BOOST_DESCRIBE_STRUCT(LeafEnd, (), (fault, cpu, units))

}  // namespace lab
