# %% [markdown]
# # 7 · Beyond one machine
#
# All experiments so far came with a prediction. It comes from a model that runs the same plan in virtual time: without
# sockets and without sleeping, but by the same rules. Where the model agrees with what we can measure, we may ask it about
# what we cannot measure.

# %% locked=setup
import sys
sys.path[:0] = [".", ".."]  # lab.py and plots.py lie beside the notebooks
import lab, plots

answers = {}

# %% [markdown]
# ## A thousand users, and a million
#
# ### Predict
#
# | id | question |
# |---|---|
# | `thousand-users-1` | a thousand requests at once await 5 s each, on one thread. When is the last one answered? |
# | `workers-capacity-1` | 4,000 users await 1 s on four loops. When is the last one answered? |
# | `overload-1` | a pool of four threads is half full on average, and requests of 20 ms come at random. How long do they take on average? |
# | `blocking-async-1` | as in notebook 1: ten requests of 100 ms block the loop. When is the last one answered? |
# | `blocking-async-2` | ten requests of 100 ms await. When is the last one answered? |
# | `blocking-async-3` | ten requests of 100 ms block four workers, which get them in turn. When is the last one answered? |
#
# A line for each question: `answers["thousand-users-1"] = "250 ms"`, with a number of your own.

# %% answer=predict-scale
### BEGIN SOLUTION
answers["thousand-users-1"] = "5 s"
answers["workers-capacity-1"] = "1 s"
answers["overload-1"] = "22 ms"
answers["blocking-async-1"] = "1 s"
answers["blocking-async-2"] = "100 ms"
answers["blocking-async-3"] = "300 ms"
### END SOLUTION

# %% test=test-scale points=4
lab.answered(answers, "thousand-users-1", "workers-capacity-1", "overload-1")
lab.answered(answers, "blocking-async-1", "blocking-async-2", "blocking-async-3")
### BEGIN HIDDEN TESTS
for scenario in ("thousand-users", "workers-capacity", "overload", "blocking-async"):
    lab.grade(scenario, answers).require()
### END HIDDEN TESTS

# %% [markdown]
# ### Run: first where we can measure
#
# **These runs are twice as fast as your last predictions:** each request waits 50 ms, not 100 ms.

# %%
arms = {"blocking-loop": "async, time.sleep", "thread-pool": "def, 40 threads", "async-loop": "await"}
measured = {label: [] for label in arms.values()}
for n in (10, 40):
    for arm, label in arms.items():
        run = lab.run("blocking-async", answers, arms=arm, requests=n, delay="50ms", quick=True)
        measured[label].append((n, run.table["measured_s"].iloc[0]))
for arm in ("thread-pool", "async-loop"):
    run = lab.run("blocking-async", answers, arms=arm, requests=1000, delay="50ms", quick=True)
    measured[arms[arm]].append((1000, run.table["measured_s"].iloc[0]))
measured

# %% [markdown]
# ### … then where we cannot

# %%
lines = {label: [] for label in arms.values()}
for n in (1, 10, 40, 41, 100, 1000, 10_000, 100_000, 1_000_000):
    predicted = lab.predict("blocking-async", arms=list(arms), requests=n, delay="50ms").table.set_index("arm")["measured_s"]
    for arm, label in arms.items():
        lines[label].append((n, predicted[arm]))

# %% [markdown]
# ### Observe

# %%
plots.scaling(lines, measured=measured, x="requests at once, each waits 50 ms; dots are measured",
              title="From one request to a million at once");

# %% [markdown]
# The times of the model ignore the memory. How much memory would a million open requests need?

# %%
million = lab.predict("blocking-async", arms="async-loop", requests=1_000_000).document["arms"][0]
print(f"{million['memory_bytes'] / 1e9:.0f} GB of connections")

# %% [markdown]
# ## The knee
#
# Bursts are rare. Usually requests come at random, and then a server gets slow long before it is full.

# %%
capacity = 4 / 0.020    # four threads of 20 ms: 200 requests a second
shares = [0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95]
knee = {}
for arm, label in (("pool-4", "def, 4 threads"), ("async-loop", "await")):
    knee[label] = [lab.predict("overload", arms=arm, rate=share * capacity, duration="60s").value(arm, "half-full", "latency.mean")
                   for share in shares]

# %%
real = lab.run("overload", answers, arms="pool-4", quick=True)
dots = [(share, real.value("pool-4", case, "latency.mean")) for share, case in ((0.5, "half-full"), (0.8, "full-80"))]
ax = plots.grid(height=3.8)[0]
for (label, latencies), colour in zip(knee.items(), (plots.POOL, plots.WAITING)):
    ax.plot([100 * share for share in shares], [1e3 * one for one in latencies], color=colour, label=label)
ax.plot([100 * share for share, _ in dots], [1e3 * one for _, one in dots], "o", color=plots.POOL, markeredgecolor="white",
        markersize=9, label="measured here")
ax.set(xlabel="% of the pool's capacity", ylabel="mean latency, ms", ylim=0)
ax.set_title("When is a pool full?")
ax.legend();

# %% [markdown]
# ### Explain
#
# Requests that wait 20 ms in a pool of four take much longer at 90 % than at 50 %, although nothing is overloaded. Why? And
# why does the other line stay flat?

# %% [markdown] essay=explain points=3
# Random arrivals come in clusters. At half of the capacity a cluster of five is rare and soon served. At 90 % most threads are
# busy when a cluster comes, and the pool needs a long time for it, because it is hardly faster than the arrivals. The time in
# the queue grows as 1 / (1 − share). A handler that awaits holds no thread, so nothing can be full, and there is no queue:
# each request takes only its own 20 ms.

# %% [markdown]
# ## Modify I: the formula
#
# Queueing theory gives the probability that an arrival finds all `c` servers busy, at `a` = arrival rate × service time
# (Erlang C). With B₀ = 1 and Bₖ = a·Bₖ₋₁ ÷ (k + a·Bₖ₋₁), it is C = B_c ÷ (1 − (a ÷ c)·(1 − B_c)). Write this function.

# %% answer=modify-erlang
def must_wait(c, a):
    """Share of arrivals that find all c servers busy, for a < c."""
    ### BEGIN SOLUTION
    blocked = 1.0
    for k in range(1, c + 1):
        blocked = a * blocked / (k + a * blocked)
    return blocked / (1 - a / c * (1 - blocked))
    ### END SOLUTION

# %% [markdown]
# With exponential service times the mean wait is C·d ÷ (c − a); with equal service times it is about half of that. Compare the
# model's pool with the formula:

# %% answer=compare-erlang
### BEGIN SOLUTION
for share, latency in zip(shares, knee["def, 4 threads"]):
    wait = must_wait(4, 4 * share) * 20 / (4 - 4 * share) / 2
    print(f"{share:4.0%}  model {1e3 * latency:5.1f} ms   formula {20 + wait:5.1f} ms")
### END SOLUTION

# %% test=test-erlang points=3
assert abs(must_wait(1, 0.5) - 0.5) < 1e-9, "one server that is half busy is busy half of the time"
### BEGIN HIDDEN TESTS
from math import factorial

def by_definition(c, a):
    full = a ** c / factorial(c) * c / (c - a)
    return full / (sum(a ** k / factorial(k) for k in range(c)) + full)

for c, share in ((1, 0.9), (2, 0.5), (4, 0.8), (16, 0.95)):
    assert abs(must_wait(c, share * c) - by_definition(c, share * c)) < 1e-9, f"not right for {c} servers"
### END HIDDEN TESTS

# %% [markdown]
# ## Modify II: a capacity plan
#
# A million requests arrive at once, each one blocks its worker for 100 ms, and all must be answered within 10 s. How many
# workers do you need at least, if the connections are distributed evenly? Assign their number to `workers`.
# `lab.predict("blocking-async", arms="workers-4", requests=1_000_000, workers=…)` tries one.

# %% answer=modify-plan
### BEGIN SOLUTION
workers = 10_000
### END SOLUTION

# %% test=test-plan points=2
assert isinstance(workers, int) and workers >= 1
### BEGIN HIDDEN TESTS
def last_answer(size):
    return lab.predict("blocking-async", arms="workers-4", requests=1_000_000, workers=size).table["measured_s"].iloc[0]

assert last_answer(workers) <= 10.001, "these are too few: the last answer comes later"
assert last_answer(workers - 1) > 10.001, "fewer are enough"
### END HIDDEN TESTS

# %% [markdown]
# **Remember.** A model that agrees with what you can measure can tell you about what you cannot measure. It shows which limit
# comes first: the loop, the pool, the cores or, when requests hold none of these, memory.
