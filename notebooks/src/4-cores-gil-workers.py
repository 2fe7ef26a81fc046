# %% [markdown]
# # 4 · Cores, the GIL and workers
#
# Waiting needs no core. Computing needs one, and in Python also a lock: every process has one such lock, the GIL. Workers are
# processes, each with its own lock, loop and memory. What do they share, and what not?

# %% locked=setup
import sys
sys.path[:0] = [".", ".."]  # lab.py and plots.py lie beside the notebooks
import lab, plots

answers = {}

# %% [markdown]
# ## Four threads
#
# ### Predict
#
# | id | question |
# |---|---|
# | `gil-1` | four threads compute 100 ms each under one GIL. When is the last one done? |
# | `gil-2` | the four threads only wait 100 ms each. When is the last one done? |
# | `concurrency-vs-parallelism-1` | two threads compute 200 ms each and share *one core*. When is the second one done? |
#
# A line for each question: `answers["gil-1"] = "250 ms"`, with a number of your own.

# %% answer=predict-gil
### BEGIN SOLUTION
answers["gil-1"] = "400 ms"
answers["gil-2"] = "100 ms"
answers["concurrency-vs-parallelism-1"] = "400 ms"
### END SOLUTION

# %% test=test-gil points=3
lab.answered(answers, "gil-1", "gil-2", "concurrency-vs-parallelism-1")
### BEGIN HIDDEN TESTS
lab.grade("gil", answers).require()
lab.grade("concurrency-vs-parallelism", answers).require()
### END HIDDEN TESTS

# %% [markdown]
# ### Run, observe
#
# The arms without a lock show what native code reaches when it releases the lock.

# %%
gil = lab.run("gil", answers, quick=True)
left, right = plots.grid(columns=2, height=3, width=10)
plots.makespans(gil, left, case="four-compute", title="Four compute")
plots.makespans(gil, right, case="four-wait", title="Four wait");

# %% [markdown]
# Concurrent is not parallel. There are two threads on one core, two threads on two cores, and two tasks on a loop. Which of
# them are in progress at the same time, and which finish earlier?

# %%
cores = lab.run("concurrency-vs-parallelism", answers, quick=True)
plots.timelines(cores, ["one-core", "two-cores", "one-loop"],
                titles=["Two threads, one core", "Two threads, two cores", "Two tasks, one loop"]);

# %% [markdown]
# ## Ten requests for four workers
#
# Each request blocks its worker for 100 ms. All ten arrive at once, each on a new connection. Which worker accepts them?
#
# ### Predict
#
# | id | question |
# |---|---|
# | `worker-identity-1` | every worker takes one connection at a time. When is the tenth request answered? |
# | `worker-identity-2` | a worker accepts all the connections that it can get, and then serves them. When is the tenth answered? |
# | `worker-state-1` | four workers have a counter variable each and serve 100 requests. What is the highest count that a client sees? |
#
# The last one is a plain number, without unit and quotes: `answers["worker-state-1"] = 7`.

# %% answer=predict-workers
### BEGIN SOLUTION
answers["worker-identity-1"] = "300 ms"
answers["worker-identity-2"] = "900 ms"
answers["worker-state-1"] = 25
### END SOLUTION

# %% test=test-workers points=3
lab.answered(answers, "worker-identity-1", "worker-identity-2", "worker-state-1")
### BEGIN HIDDEN TESTS
lab.grade("worker-identity", answers).require()
lab.grade("worker-state", answers).require()
### END HIDDEN TESTS

# %% [markdown]
# ### Run, observe

# %%
dealt = lab.run("worker-identity", answers, quick=True, connections="fresh")
plots.workers(dealt, ["greedy", "one", "handoff", "reuseport"], "at-once", title="Ten at once: which worker gets how many?");

# %%
plots.workers(dealt, ["greedy", "one", "handoff", "reuseport"], "every-20ms", title="The same ten, 20 ms apart");

# %% [markdown]
# Now the state. Each request adds one to a counter, and the reply contains its value.

# %%
state = lab.run("worker-state", answers, quick=True)
axes = plots.grid(columns=3, height=3, width=10, sharey=True)
for ax, arm, title in zip(axes, ["one", "each", "shared"], ["One process", "Four, a variable each", "Four, one store"]):
    counts = state.requests.query("arm == @arm").sort_values("received_ms").reset_index(drop=True)
    for slot, own in counts.groupby("worker"):
        ax.plot(own.index + 1, own["value"], "o", markersize=4, color=plots.COLOURS[slot])
    ax.set(xlabel="reply", title=title, ylim=(0, 105))
axes[0].set_ylabel("count in the reply");

# %% [markdown]
# ### Explain
#
# "We run four workers, so we have four times the capacity. And we keep a cache in a global variable." For which loads is the
# first statement true, and what is wrong with the second?

# %% [markdown] essay=explain points=3
# Four workers compute up to four times as much if there are four cores, and serve four blocking requests at a time if the
# connections are distributed evenly. But one worker may get nine of ten, and kept-alive connections make that permanent. For
# requests that wait without holding the loop one worker is enough. The variable exists four times: every worker fills and
# reads its own, so caches miss four times and counters disagree. Shared data belongs outside: in a database, in Redis, or
# in a file with a lock.

# %% [markdown]
# ## Modify: how many workers?
#
# A server has four cores, and each of 48 requests computes for 50 ms. Find the smallest number of workers beyond which more
# workers gain nothing, and assign it to `workers`. `takes(n)` predicts the seconds for `n` workers.

# %%
burst = lab.scenario("burst", '''
question = "48 requests compute on four cores. How many workers?"
[routes.compute]
request = "GET /compute"
steps   = [{ cpu = "50ms" }]
[[load]]
route    = "compute"
arrivals = "burst"
requests = 48
[[arms]]
id      = "workers"
mode    = "blocking-loop"
workers = 2
cores   = 4
''')

def takes(workers):
    return lab.predict(burst, workers=workers).table["predicted_s"].iloc[0]

takes(2)

# %% answer=modify-workers
### BEGIN SOLUTION
ax = plots.grid(height=3)[0]
ax.plot(range(1, 13), [takes(n) for n in range(1, 13)], "o-", color=plots.LOOP)
ax.set(xlabel="workers", ylabel="s", ylim=0)
ax.set_title("Workers beyond the cores take turns")
workers = 4
### END SOLUTION

# %% test=test-modify points=2
assert isinstance(workers, int) and 1 <= workers <= 100
### BEGIN HIDDEN TESTS
best = min(takes(n) for n in range(1, 17))
assert takes(workers) <= best * 1.01, "more workers would still gain something"
assert takes(workers - 1) > best * 1.01, "fewer workers do as well"
### END HIDDEN TESTS

# %% [markdown]
# **Remember.** Threads help with waiting, processes help with computing, but only up to the number of cores. Workers share
# the port, not the memory, and they do not always share the work evenly.
