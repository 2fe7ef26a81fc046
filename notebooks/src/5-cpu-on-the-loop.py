# %% [markdown]
# # 5 · CPU on the loop
#
# Computing cannot be awaited. A handler that computes holds the loop until it is done: for a QR code, for a prediction of a
# model, for a large JSON. Where does such work belong, and who gains if you move it?

# %% locked=setup
import sys
sys.path[:0] = [".", ".."]  # lab.py and plots.py lie beside the notebooks
import lab, plots

answers = {}

# %% [markdown]
# ## The QR code
#
# Four users want a QR code at the same time. Each code takes 200 ms of CPU. Meanwhile others call a cheap route.
#
# ### Predict
#
# | id | question |
# |---|---|
# | `qr-code-1` | the codes are encoded on the loop. How long does the slowest ping take? |
# | `qr-code-2` | they are encoded in the pool, under the GIL. When is the last code done? |
# | `cpu-threshold-1` | one handler computes 50 ms on the loop. How long does the slowest ping take? |
#
# A line for each question: `answers["qr-code-1"] = "250 ms"`, with a number of your own.

# %% answer=predict-qr
### BEGIN SOLUTION
answers["qr-code-1"] = "800 ms"
answers["qr-code-2"] = "800 ms"
answers["cpu-threshold-1"] = "50 ms"
### END SOLUTION

# %% test=test-qr points=3
lab.answered(answers, "qr-code-1", "qr-code-2", "cpu-threshold-1")
### BEGIN HIDDEN TESTS
lab.grade("qr-code", answers).require()
lab.grade("cpu-threshold", answers).require()
### END HIDDEN TESTS

# %% [markdown]
# ### Run, observe

# %%
qr = lab.run("qr-code", answers, quick=True)
arms = ["async-def", "def-gil", "def", "workers-2"]
upper, lower = plots.grid(2, height=2.7)
plots.strips(qr, arms, "ping", ax=upper, title="Latency of the pings")
plots.strips(qr, arms, "qr", ax=lower, log=False, title="Latency of the QR codes");

# %% [markdown]
# Who gains from `def`: the users of the cheap route, the users who want a code, or both? Compare the two plots.

# %%
plots.timelines(qr, ["async-def", "def-gil"], titles=["On the loop", "In the pool, under the GIL"]);

# %% [markdown]
# ## How long is too long?
#
# There is a heartbeat every 2 ms, and one computation beside it. Where does a rule such as "not more than 50 ms" come from?

# %%
threshold = lab.run("cpu-threshold", answers, quick=True)
slices = [1, 5, 10, 50, 100, 500]
ax = plots.grid(height=3.4)[0]
for arm, colour, label in (("blocking-loop", plots.LOOP, "async def"), ("thread-pool", plots.POOL, "def")):
    gaps = [threshold.value(arm, f"cpu-{ms}", "ping.latency.max") * 1e3 for ms in slices]
    ax.plot(slices, gaps, "o-", color=colour, label=label)
ax.plot(slices, slices, color="black", linewidth=1, label="the computation itself")
ax.set(xscale="log", yscale="log", xlabel="ms of CPU in one handler", ylabel="slowest heartbeat, ms")
ax.set_title("Where is the threshold?")
ax.legend();

# %% [markdown]
# ## A model's prediction
#
# ### Predict
#
# | id | question |
# |---|---|
# | `ml-inference-1` | four predictions of 100 ms run in `def` handlers under the GIL. When does the last caller get an answer? |
# | `ml-inference-2` | now there is a task queue. When does the last caller get a *reply* to POST /predict? |

# %% answer=predict-ml
### BEGIN SOLUTION
answers["ml-inference-1"] = "400 ms"
answers["ml-inference-2"] = "0 ms"
### END SOLUTION

# %% test=test-ml points=2
lab.answered(answers, "ml-inference-1", "ml-inference-2")
### BEGIN HIDDEN TESTS
lab.grade("ml-inference", answers).require()
### END HIDDEN TESTS

# %%
ml = lab.run("ml-inference", answers, quick=True)
when = ml.measures.pivot_table(index="label", columns="stat", values="median", sort=False)
when["result"] = when["predict.turnaround.max"].fillna(when["predict.latency.max"])
ax = plots.grid(height=3)[0]
ax.barh(when.index, when["result"], color="#bfe6d8", height=0.6, label="until the prediction is there")
ax.barh(when.index, when["predict.latency.max"], color=plots.LOOP, height=0.28, label="until the caller has a reply")
ax.invert_yaxis()
ax.xaxis.set_major_formatter(plots.seconds)
ax.grid(axis="y", visible=False)
ax.set_title("Who has a reply, and who a prediction?")
plots.remark(ax, ml)
plots.legend_below(ax, ncol=2)

# %% [markdown]
# ### Explain
#
# There are four ways to do the same work: on the loop, in `def`, in several workers, in a queue. For each of the last three:
# who is served faster than on the loop, and who is not?

# %% [markdown] essay=explain points=3
# With `def` the others are served faster: the loop is free, and their pings wait at most a few ms for the lock. The users who
# want the result gain nothing, because one lock lets one thread compute, unless the library releases it. Several workers
# have several locks and cores, so results come earlier, up to the number of cores, but a worker that computes on its loop
# still freezes its own users. A queue does not compute faster either, but nobody holds a connection, and the number of its
# workers limits how much is computed at a time.

# %% [markdown]
# ## Modify: cut it into pieces
#
# Sometimes the work must stay on the loop. Then it can pause: `await asyncio.sleep(0)` gives everybody else a turn.
# First a question, `cpu-chunks-1`: a handler computes 500 ms in chunks of 5 ms, with a pause after each. How long does the
# slowest ping take? Then find the *largest* chunk, in whole milliseconds that divide 500, with which no ping waits longer
# than 20 ms, and assign that number to `chunk_ms`:
#
#     answers["cpu-chunks-1"] = "250 ms"
#     chunk_ms = 50

# %%
def chunked(chunk_ms):
    return lab.scenario("chunked", f'''
question = "500 ms of CPU in pieces. How long do pings wait?"
show     = ["ping.latency.max", "makespan"]
[routes.work]
request = "GET /work"
steps   = [{{ repeat = {500 // chunk_ms}, steps = [{{ cpu = "{chunk_ms}ms" }}, {{ yield = true }}] }}]
[routes.ping]
request = "GET /ping"
steps   = []
[[load]]
route    = "work"
arrivals = "burst"
requests = 1
[[load]]
route    = "ping"
arrivals = "constant"
every    = "1ms"
from     = "1ms"
until    = "500ms"
[[arms]]
id   = "loop"
mode = "async-loop"
''')

lab.predict(chunked(50)).value("loop", stat="ping.latency.max")

# %% answer=modify-chunks
### BEGIN SOLUTION
answers["cpu-chunks-1"] = "5 ms"
chunk_ms = 20
### END SOLUTION

# %% test=test-chunks points=3
lab.answered(answers, "cpu-chunks-1")
assert 500 % chunk_ms == 0, "the chunks come to 500 ms in all"
### BEGIN HIDDEN TESTS
lab.grade("cpu-chunks", answers).require()

def slowest_ping(ms):
    return lab.predict(chunked(ms)).value("loop", stat="ping.latency.max")

assert slowest_ping(chunk_ms) <= 0.0201, "a ping waits longer than 20 ms"
assert slowest_ping(min(ms for ms in range(chunk_ms + 1, 501) if 500 % ms == 0)) > 0.0201, "larger chunks would do"
### END HIDDEN TESTS

# %%
chunks = lab.run("cpu-chunks", answers, quick=True)
axes = plots.grid(columns=2, height=3.2, width=10, sharey=True)
plots.over_time(chunks, ["async-loop"], "ping", "whole", axes[0], title="500 ms in one piece")
plots.over_time(chunks, ["async-loop"], "ping", "chunks", axes[1], title="The same in pieces of 5 ms");

# %% [markdown]
# **Remember.** CPU work that leaves the loop helps everybody else. To make the work itself faster, you need free cores and a
# lock that is released. If the work must stay on the loop, let it pause.
