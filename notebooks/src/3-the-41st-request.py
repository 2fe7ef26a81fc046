# %% [markdown]
# # 3 · The 41st request
#
# A handler written as plain `def` runs in a pool of threads, and there it may block. The pool has forty threads.
# How long does the forty-first request wait?

# %% locked=setup
import sys
sys.path[:0] = [".", ".."]  # lab.py and plots.py lie beside the notebooks
import lab, plots

answers = {}

# %%
lab.show("pool-limit")

# %% [markdown]
# ## Predict
#
# | id | question |
# |---|---|
# | `pool-limit-1` | 41 requests of 100 ms arrive at once; there are forty threads. When is the last one answered? |
# | `mixed-routes-1` | an *async* route needs a sync dependency of 100 ms; 41 users call it at once. When is the last one answered? |
# | `mixed-routes-2` | ten `def` requests sleep for 100 ms. How long does the slowest request of an async route take meanwhile? |
#
# A line for each question: `answers["pool-limit-1"] = "250 ms"`, with a number of your own.

# %% answer=predict-pool
### BEGIN SOLUTION
answers["pool-limit-1"] = "200 ms"
answers["mixed-routes-1"] = "200 ms"
answers["mixed-routes-2"] = "0 ms"
### END SOLUTION

# %% test=test-pool points=3
lab.answered(answers, "pool-limit-1", "mixed-routes-1", "mixed-routes-2")
### BEGIN HIDDEN TESTS
lab.grade("pool-limit", answers).require()
lab.grade("mixed-routes", answers).require()
### END HIDDEN TESTS

# %% [markdown]
# ## Run
#
# There are four bursts and two pools. `recorded` adds a recording of real FastAPI under the same load.

# %%
pool = lab.run("pool-limit", answers, quick=True, engine=["native", "recorded"])
pool.table.query("arm == 'thread-pool'")[["case", "engine", "measured_s", "bound_s"]]

# %% [markdown]
# ## Observe

# %%
plots.timeline(pool, "thread-pool", "burst-41", title="Forty-one at once, forty threads");

# %%
plots.ranks(pool, ["thread-pool", "pool-100"], "burst-100", theory=lambda rank: -(-rank // 40) * 100,
            title="A hundred at once, in two pools");

# %% [markdown]
# The model draws the whole staircase, for any number of requests. The dots are measured.

# %%
numbers = sorted({*range(1, 201, 13), 40, 41, 80, 81, 120, 121, 160, 161, 200})
stairs = [(n, lab.predict("pool-limit", arms="thread-pool", requests=n).table["measured_s"].iloc[0] * 1e3) for n in numbers]
ax = plots.grid(height=3.4)[0]
ax.step(*zip(*stairs), where="post", color="black", linewidth=1.2, label="predicted")
for engine, colour in (("native", plots.POOL), ("recorded", "#e69f00")):
    rows = pool.table.query("arm == 'thread-pool' and engine.str.startswith(@engine)")
    if len(rows):
        ax.plot(rows["requests"], rows["measured_s"] * 1e3, "o", color=colour, markersize=7,
                label={"native": "measured here", "recorded": "FastAPI, recorded"}[engine])
ax.set(xlabel="requests at once", ylabel="until the last answer, in ms", ylim=0)
ax.set_title("Until all are answered, through forty threads")
ax.legend();

# %% [markdown]
# ## Who needs the pool?
#
# One async route has a sync dependency, and another one is beside `def` routes. Which of them has to wait for the pool?

# %%
mixed = lab.run("mixed-routes", answers, quick=True)
mixed.measures.query("stat == 'makespan' and case == 'dependencies-41' or stat == 'fast.latency.max' and case == 'beside'")[
    ["label", "case", "stat", "median", "predicted"]]

# %%
plots.strips(mixed, ["def-beside-async", "all-async"], "fast", "beside",
             title="A cheap async route beside ten sleepers");

# %% [markdown]
# ### Explain
#
# Why is "each sync request gets its own thread" only half true? Say what request 41 holds, what it waits for, and how you
# would notice it in production while the average still looks fine.

# %% [markdown] essay=explain points=3
# It is true for forty requests. Request 41 has been read and holds only its place in the queue; it waits for a thread whose
# request only sleeps. Its latency is the rest of another request's wait plus its own, so latencies grow in steps: the
# median of 41 requests does not change, while the slowest doubles. I would watch the maximum, or the time between reading a
# request and starting its handler, which is zero until the pool is full.

# %% [markdown]
# ## Modify
#
# A hundred requests arrive at once. Find the *smallest* pool that answers all of them within 200 ms, and assign its size to
# `threads`.
# `lab.predict("pool-limit", arms="thread-pool", requests=100, threads=…)` tries one without running anything.

# %% answer=modify-threads
### BEGIN SOLUTION
threads = 50    # two rounds of fifty; ninety threads would need two rounds as well
### END SOLUTION

# %% test=test-threads points=2
assert isinstance(threads, int) and threads > 0
### BEGIN HIDDEN TESTS
def last_answer(size):
    return lab.predict("pool-limit", arms="thread-pool", requests=100, threads=size).table["measured_s"].iloc[0]

assert last_answer(threads) <= 0.2001, "with so few threads it takes longer than 200 ms"
assert last_answer(threads - 1) > 0.2001, "a smaller pool would do, too"
### END HIDDEN TESTS

# %%
sizes = range(20, 121, 2)
ax = plots.grid(height=3.2)[0]
ax.step(sizes, [lab.predict("pool-limit", arms="thread-pool", requests=100, threads=size).table["measured_s"].iloc[0] * 1e3
                for size in sizes], where="post", color="black", linewidth=1.2, label="predicted")
hundred = pool.table.query("case == 'burst-100' and engine == 'native'")
ax.plot(hundred["threads"], hundred["measured_s"] * 1e3, "o", color=plots.POOL, markersize=7, label="measured here")
ax.set(xlabel="threads in the pool", ylabel="until the last of 100, in ms", ylim=0)
ax.set_title("How many threads are enough?")
ax.legend();

# %% [markdown]
# **Remember.** A pool serves N requests in ⌈N ÷ P⌉ rounds. Up to P requests nobody waits; with one more, one request takes
# twice as long. More threads move the step, and awaiting removes it.
