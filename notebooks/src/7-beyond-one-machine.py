# %% [markdown]
# # 7 · Beyond one machine
#
# All experiments so far had a prediction beside them. It comes from a model that plays the same plan in virtual time: no
# sockets, no sleeping, the same rules. Where it agrees with what we can measure, we may ask it what we cannot.

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
# | `thousand-users-1` | a thousand at once, each awaits 5 s on one thread: when is the last one answered? |
# | `workers-capacity-1` | 4,000 users await 1 s on four loops: when is the last one answered? |
# | `overload-1` | a pool of four is half full on average, requests of 20 ms come at random: how long do they take in the mean? |
#
# A line for each question: `answers["thousand-users-1"] = "250 ms"`, with a number of your own.

# %% answer=predict-scale
### BEGIN SOLUTION
answers["thousand-users-1"] = "5 s"
answers["workers-capacity-1"] = "1 s"
answers["overload-1"] = "22 ms"
### END SOLUTION

# %% test=test-scale points=3
lab.answered(answers, "thousand-users-1", "workers-capacity-1", "overload-1")
### BEGIN HIDDEN TESTS
for scenario in ("thousand-users", "workers-capacity", "overload"):
    lab.grade(scenario, answers).require()
### END HIDDEN TESTS

# %% [markdown]
# ### Run: first where we can measure

# %%
arms = {"blocking-loop": "async, time.sleep", "thread-pool": "def, 40 threads", "async-loop": "await"}
measured = {label: [] for label in arms.values()}
for n in (10, 40):
    for arm, label in arms.items():
        run = lab.run("blocking-async", arms=arm, requests=n, delay="50ms", quick=True)
        measured[label].append((n, run.table["measured_s"].iloc[0]))
for arm in ("thread-pool", "async-loop"):
    run = lab.run("blocking-async", arms=arm, requests=1000, delay="50ms", quick=True)
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
# What the model says of a million knows no memory. What would a million open requests need?

# %%
million = lab.predict("blocking-async", arms="async-loop", requests=1_000_000).document["arms"][0]
print(f"{million['memory_bytes'] / 1e9:.0f} GB of connections")

# %% [markdown]
# ## The knee
#
# Bursts are rare. Mostly requests come at random, and then a server is in trouble long before it is full.

# %%
capacity = 4 / 0.020    # four threads of 20 ms: 200 requests a second
shares = [0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95]
knee = {}
for arm, label in (("pool-4", "def, 4 threads"), ("async-loop", "await")):
    knee[label] = [lab.predict("overload", arms=arm, rate=share * capacity, duration="60s").value(arm, "half-full", "latency.mean")
                   for share in shares]

# %%
real = lab.run("overload", arms="pool-4", quick=True)
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
# Requests that wait 20 ms in a pool of four take much longer at 90 % than at 50 %, though nothing is overloaded. Why? And why
# does the other line not bend?

# %% [markdown] essay=explain points=3
# Arrivals at random come in clumps. At half of the capacity a clump of five is rare and soon over; at 90 % the pool is mostly
# taken when a clump comes, and needs long to work it off, since it is hardly faster than the arrivals. Time in the line grows
# as 1 / (1 − share). A handler that awaits holds no thread, so there is nothing that could be full, and no line: only its
# own 20 ms.

# %% [markdown]
# ## Modify I: the formula
#
# Queueing theory knows the chance that an arrival finds all `c` servers taken, at `a` = arrival rate × service time (Erlang C).
# With B₀ = 1 and Bₖ = a·Bₖ₋₁ ÷ (k + a·Bₖ₋₁), it is C = B_c ÷ (1 − (a ÷ c)·(1 − B_c)). Write it.

# %% answer=modify-erlang
def must_wait(c, a):
    """Share of arrivals that find all c servers taken, for a < c."""
    ### BEGIN SOLUTION
    blocked = 1.0
    for k in range(1, c + 1):
        blocked = a * blocked / (k + a * blocked)
    return blocked / (1 - a / c * (1 - blocked))
    ### END SOLUTION

# %% [markdown]
# With exponential service the mean wait is C·d ÷ (c − a); with equal service it is about half of that. The model's pool
# against the formula:

# %% answer=compare-erlang
### BEGIN SOLUTION
for share, latency in zip(shares, knee["def, 4 threads"]):
    wait = must_wait(4, 4 * share) * 20 / (4 - 4 * share) / 2
    print(f"{share:4.0%}  model {1e3 * latency:5.1f} ms   formula {20 + wait:5.1f} ms")
### END SOLUTION

# %% test=test-erlang points=3
assert abs(must_wait(1, 0.5) - 0.5) < 1e-9, "one server that is half busy is taken half of the time"
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
# A million requests come at once, each blocks its worker for 100 ms, and all have to be answered within 10 s. How many
# workers, at least, if connections are dealt evenly? Assign their number to `workers`.
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

assert last_answer(workers) <= 10.001, "that is too few: the last answer comes later"
assert last_answer(workers - 1) > 10.001, "fewer would do"
### END HIDDEN TESTS

# %% [markdown]
# **Take home.** A model that has been checked where one can measure is worth asking where one cannot. It says which limit
# comes first: the loop, the pool, the cores, or, when nothing holds anything, memory.
