# %% [markdown]
# # 6 · Audit the documents
#
# Five texts on concurrency in FastAPI make more than a hundred statements that can be tested. Most of them hold. Some do not,
# and some hold in one situation and fail in another. In this notebook you find out by experiment which is which.

# %% locked=setup
import sys
sys.path[:0] = [".", ".."]  # lab.py and plots.py lie beside the notebooks
import lab, plots

answers = {}

# %% [markdown]
# ## What there is
#
# A claim has an experiment, an arm, a figure and a limit. *Verified*: it holds. *Refuted*: it does not hold. *Qualified*: it
# holds in one case and fails in another, and both have been shown. Claims about FastAPI are decided by real FastAPI.

# %%
claims = lab.claims()
plots.outcomes(claims, title=f"Which of {len(claims)} claims in five documents hold?");

# %% [markdown]
# ## Predict
#
# Here are six of them, in our words. Call each one `"verified"`, `"qualified"` or `"refuted"`, with a line such as
# `verdicts["the claim's id"] = "verified"` for each.
#
# | id | claim |
# |---|---|
# | `D2.9-async-0.03` | ten requests that each await 0.1 s take about 0.03 s |
# | `D0-cpu-never-idle` | with non-blocking code the CPU is never idle while requests wait |
# | `D0-async-for-io` | for waiting, async is faster than threads |
# | `D0-gather-1s` | three gathered waits of 1 s take 1 s |
# | `D0-threads-for-cpu` | threads are better than async for computing |
# | `D1.2-message-3s` | the example's reply comes after 3 seconds, as its message says |

# %% answer=predict-claims
verdicts = {}
### BEGIN SOLUTION
verdicts = {"D2.9-async-0.03": "refuted", "D0-cpu-never-idle": "qualified", "D0-async-for-io": "qualified",
            "D0-gather-1s": "verified", "D0-threads-for-cpu": "qualified", "D1.2-message-3s": "refuted"}
### END SOLUTION

# %% test=test-claims points=6
asked = ["D2.9-async-0.03", "D0-cpu-never-idle", "D0-async-for-io", "D0-gather-1s", "D0-threads-for-cpu", "D1.2-message-3s"]
for one in asked:
    assert verdicts.get(one) in ("verified", "qualified", "refuted"), f"{one} has no verdict yet"
### BEGIN HIDDEN TESTS
on_record = claims.set_index("id")["on_record"]
wrong = [one for one in asked if verdicts[one] != on_record[one]]
assert not wrong, "an experiment says otherwise: " + ", ".join(wrong) + "; lab verify --claim ID shows it"
### END HIDDEN TESTS

# %% [markdown]
# ## Run
#
# Now run one of them on this machine. A condition is one comparison; the outcome follows from all conditions.

# %%
log = lab.verify("D2.9-async-0.03")
print(log.attrs["claim"])
print(log.attrs["outcome"].upper() + ":", log.attrs["why"])
log

# %% [markdown]
# ## Observe: a short time
#
# There are several reasons for a short time. Here is one.

# %%
lab.show("forgotten-await")

# %% [markdown]
# `forgotten-await-1`: ten handlers each create a coroutine that would sleep 100 ms, but do not await it. How many of the ten
# sleeps happen? The answer is a plain number, without unit and quotes: `answers["forgotten-await-1"] = 7`.

# %% answer=predict-forgotten
### BEGIN SOLUTION
answers["forgotten-await-1"] = 0
### END SOLUTION

# %% test=test-forgotten points=1
lab.answered(answers, "forgotten-await-1")
### BEGIN HIDDEN TESTS
lab.grade("forgotten-await", answers).require()
### END HIDDEN TESTS

# %%
forgotten = lab.run("forgotten-await", answers, quick=True)
plots.timelines(forgotten, "async-loop", ["forgotten", "awaited"], titles=["The await forgotten", "Awaited"])
forgotten.measures.query("stat != 'makespan'")[["case", "stat", "median", "predicted"]]

# %%
for finding in forgotten.findings.itertuples():
    print(finding.id, finding.text)

# %% [markdown]
# ### Explain
#
# A latency is better than expected. What should you check before you believe it? Name two checks, and say which of them
# would have found this mistake.

# %% [markdown] essay=explain points=3
# First, the bound: no reply can come before the wait of its own request is over, so ten times "0.1 s" in 0.03 s is
# impossible, however good the server is. Second, whether the work was done: status, body, a counter of finished steps. Both
# checks find this mistake: the time is below the bound, and none of the ten sleeps happened. A wrong path that answers 404
# would be just as fast; the status shows it.

# %% [markdown]
# ## Modify: a claim of your own
#
# A claim is a few lines of TOML. This one is about the experiment of notebook 3, and claims too much. Change `value` so that
# the claim is *verified*, with a limit above 100 ms and below 300 ms. Then change the text of the `claim` accordingly.

# %% answer=modify-claim
claim = '''
[documents]
mine = "my own claims"

[runs]
pool-limit = { least_scale = 1 }

[[claims]]
id       = "mine-41"
document = "mine"
section  = "notebook 6"
about    = "concurrency"
claim    = "Forty-one requests of 100 ms are served by forty threads in less than 150 ms."
scenario = "pool-limit"
test     = [{ arm = "thread-pool", case = "burst-41", stat = "makespan", is = "below", value = "150ms" }]
outcome  = "verified"
why      = "Somebody believes it."
'''
### BEGIN SOLUTION
claim = claim.replace("150ms", "280ms").replace("150 ms", "280 ms").replace("Somebody believes it.", "Two rounds of 100 ms.")
### END SOLUTION

# %%
from pathlib import Path

def check(claim):
    file = lab.scenario("mine", claim)  # any TOML goes into a file this way
    return lab.verify("mine-41", file=file, repeat=3)

mine = check(claim)
print(mine.attrs["outcome"], "·", mine.attrs["claim"])
mine

# %% test=test-modify points=2
import tomllib
limit = tomllib.loads(claim)["claims"][0]["test"][0]["value"]
assert limit.endswith("ms") and 100 < float(limit.removesuffix("ms")) < 300, "the limit lies between 100 and 300 ms"
### BEGIN HIDDEN TESTS
predicted = lab.predict("pool-limit", arms="thread-pool").value("thread-pool", "burst-41")
assert float(limit.removesuffix("ms")) / 1e3 > predicted, "the model's own time is above this limit: the claim cannot hold"
### END HIDDEN TESTS

# %% [markdown]
# **Remember.** Ask about each figure: is it above the bound, was the work done, and what does it describe? For all other
# claims type `lab verify` (four minutes), or `lab verify --claim ID`.
