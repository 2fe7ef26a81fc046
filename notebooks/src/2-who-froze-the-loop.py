# %% [markdown]
# # 2 · Who froze the loop?
#
# One handler makes a blocking call. That handler is slow, of course. But what happens to all the others, and why does a
# test with a single client never show it?

# %% locked=setup
import sys
sys.path[:0] = [".", ".."]  # lab.py and plots.py lie beside the notebooks
import lab, plots

SCALE = 0.2    # of the first run: 5 s of sleep become 1 s
answers = {}

# %% [markdown]
# ## One report, many pings
#
# A report sleeps 5 s. Meanwhile a client calls a cheap route ten times a second, without waiting for the replies.

# %%
lab.show("frozen-server")

# %% [markdown]
# ### Predict
#
# **The run of `frozen-server` below is five times faster than the text above:** its report sleeps 1 s, and a ping is sent
# every 20 ms. Predict for the sleep of 1 s. The other times are as long as they are written here.
#
# | id | question |
# |---|---|
# | `frozen-server-1` | a report that sleeps 1 s blocks the loop. How long does the slowest ping take? |
# | `event-loop-timeline-1` | three queries of 50 ms arrive at 0, 1 and 2 ms and block the loop. When is the third answered? |
# | `db-and-cache-1` | a database call of 100 ms blocks the loop; 1 ms later comes a cache hit of 5 ms. How long does the cache hit take? |
#
# A line for each question: `answers["frozen-server-1"] = "250 ms"`, with a number of your own.

# %% answer=predict-frozen
### BEGIN SOLUTION
answers["frozen-server-1"] = "1 s"
answers["event-loop-timeline-1"] = "150 ms"
answers["db-and-cache-1"] = "104 ms"
### END SOLUTION

# %% test=test-frozen points=3
lab.answered(answers, "frozen-server-1", "event-loop-timeline-1", "db-and-cache-1")
### BEGIN HIDDEN TESTS
lab.grade("frozen-server", answers, scale=SCALE).require()
for scenario in ("event-loop-timeline", "db-and-cache"):
    lab.grade(scenario, answers).require()
### END HIDDEN TESTS

# %% [markdown]
# ### Run

# %%
frozen = lab.run("frozen-server", answers, quick=True, scale=SCALE)
frozen.measures[["label", "stat", "median", "predicted"]]

# %% [markdown]
# ### Observe
#
# Each dot is a ping, at the time when it *should* be sent.

# %%
plots.over_time(frozen, ["blocking-loop", "async-loop", "thread-pool"], "ping", title="What each ping felt of one report");

# %% [markdown]
# The slope is typical of a frozen loop: a later ping waits less, because all pings wait for the same moment. Now look at
# who holds the loop, with the three queries of the second question.

# %%
queries = lab.run("event-loop-timeline", answers, quick=True)
plots.timelines(queries, ["async-loop", "blocking-loop"], titles=["Three that await", "Three that block"]);

# %% [markdown]
# The program itself says which request is to blame. It does not guess: the servers record each time when a request takes or
# gives back the loop.

# %%
for finding in frozen.findings.itertuples():
    print(finding.id, finding.text)

held = frozen.record.holds.query("resource == 'loop'")
(held["to_ms"] - held["from_ms"]).groupby(held["arm"]).max().round(1).rename("longest hold of the loop, ms").to_frame()

# %% [markdown]
# ## One request, and ten at once
#
# ### Predict
#
# | id | question |
# |---|---|
# | `measure-under-load-1` | a blocking handler of 100 ms gets one request. How long does it take? |
# | `measure-under-load-2` | it gets ten requests at once. When is the last one answered? |

# %% answer=predict-load
### BEGIN SOLUTION
answers["measure-under-load-1"] = "100 ms"
answers["measure-under-load-2"] = "1 s"
### END SOLUTION

# %% test=test-load points=2
lab.answered(answers, "measure-under-load-1", "measure-under-load-2")
### BEGIN HIDDEN TESTS
lab.grade("measure-under-load", answers).require()
### END HIDDEN TESTS

# %%
alone = lab.run("measure-under-load", answers, quick=True)
left, right = plots.grid(columns=2, height=2.9, width=9.5)
plots.makespans(alone, left, case="one", title="One request")
plots.makespans(alone, right, case="ten", title="Ten at once");

# %% [markdown]
# ### Explain
#
# A colleague says: "I measured the route by itself. It takes 100 ms, so the server is fine." What did she measure, what did
# she not measure, and what would you measure instead?

# %% [markdown] essay=explain points=3
# She measured the handler's own time, which is the same whether it blocks or awaits. She did not measure what it holds: a
# blocking handler holds the only loop, so with ten requests at once the last one waits for nine others, and cheap routes
# wait, too. I would send several requests at the same time, and beside them a cheap probe at a constant rate, without
# waiting for its replies. Then I would look at the slowest answer of the probe.

# %% [markdown]
# ## Modify: the polite client that sees nothing
#
# Many load tools send the next request only after the last reply. They are polite: while the server is frozen, they wait,
# too, and record only *one* slow request. Write `polite(pings)`: from the pings sent on time, keep those that a polite
# client would have sent. It sends a ping at its intended moment if the reply to its last ping has been received by then
# (`received_ms`), and leaves out the others.

# %% answer=modify-polite
def polite(pings):
    """The rows of `pings` (sorted by intended_ms) that a client would send if it waits for each reply."""
    ### BEGIN SOLUTION
    kept, free_at = [], float("-inf")
    for ping in pings.itertuples():
        if ping.intended_ms >= free_at:
            kept.append(ping.Index)
            free_at = ping.received_ms
    return pings.loc[kept]
    ### END SOLUTION

# %% [markdown]
# Here ten calm seconds follow the frozen second: in real life most of the day is calm. Compare the latencies of both clients
# over this `day`: the median, the 95th percentile, the slowest. (`.describe(percentiles=[0.5, 0.95])` shows them.)

# %%
import pandas as pd

pings = frozen.requests.query("arm == 'blocking-loop' and route == 'ping'").sort_values("intended_ms")
calm = pd.DataFrame({"intended_ms": [1000 + 20.0 * n for n in range(500)]})
calm["received_ms"] = calm["intended_ms"] + 0.3
day = pd.concat([pings[["intended_ms", "received_ms"]], calm], ignore_index=True)
day["latency_ms"] = day["received_ms"] - day["intended_ms"]

# %% answer=compare-polite
### BEGIN SOLUTION
pd.DataFrame({"on time": day["latency_ms"], "polite": polite(day)["latency_ms"]}).describe(percentiles=[0.5, 0.95]).round(1)
### END SOLUTION

# %% test=test-polite points=3
sample = pd.DataFrame({"intended_ms": [0.0, 10.0, 20.0, 30.0], "received_ms": [25.0, 26.0, 27.0, 30.5]})
assert list(polite(sample).index) == [0, 3], "the client is busy from 0 to 25 ms, so it leaves out the two in between"
### BEGIN HIDDEN TESTS
import random
for seed in range(20):
    dice = random.Random(seed)
    intended = sorted(dice.uniform(0, 100) for _ in range(30))
    table = pd.DataFrame({"intended_ms": intended, "received_ms": [at + dice.expovariate(0.2) for at in intended]})
    wanted, free_at = [], -1.0
    for row, (at, done) in enumerate(table.to_numpy()):
        if at >= free_at:
            wanted.append(row)
            free_at = done
    assert list(polite(table).index) == wanted, f"not what a polite client sends (sample {seed})"
### END HIDDEN TESTS

# %% [markdown]
# **Remember.** A blocking call costs its own user little, and all others a lot. Measure under load, measure from the moment
# when a request should be sent, and look at the slowest one.
