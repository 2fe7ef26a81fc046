# %% [markdown]
# # 1 · Sum or max?
#
# Several things have to be waited for. Do their waits add up, or does the longest one decide? Everything about
# concurrency in a server begins with this question.
#
# You will predict, run real servers, look at what happened, explain it, and then change it. About half an hour.
#
# Answers are times with a unit, such as `"250 ms"` or `"1.5 s"`. You are graded against a model of the experiment, not
# against your machine: a slow laptop costs no points.

# %% locked=setup
import sys
sys.path[:0] = [".", ".."]  # lab.py and plots.py lie beside the notebooks
import lab, plots

SCALE = 0.2    # waits are shortened to a fifth, so that nobody waits for a lesson about waiting
answers = {}

# %% [markdown]
# ## Inside one handler
#
# A page needs three things from other services, 1 s each. It can await them one by one, hand all three to
# `asyncio.gather`, or gather three functions that *block*.

# %%
lab.show("sequential-vs-gather")

# %% [markdown]
# ### Predict
#
# | id | question |
# |---|---|
# | `sequential-vs-gather-1` | three gathered coroutines that call `time.sleep(1)`: how long in all? |
# | `sequential-vs-gather-2` | three gathered coroutines that `await asyncio.sleep(1)`? |
#
# Write a line for each question into the next cell, in place of what stands there. To say that it takes a quarter of a second:
#
#     answers["sequential-vs-gather-1"] = "250 ms"

# %% answer=predict-gather
### BEGIN SOLUTION
answers["sequential-vs-gather-1"] = "3 s"
answers["sequential-vs-gather-2"] = "1 s"
### END SOLUTION

# %% test=test-gather points=2
lab.answered(answers, "sequential-vs-gather-1", "sequential-vs-gather-2")
### BEGIN HIDDEN TESTS
lab.grade("sequential-vs-gather", answers).require()
### END HIDDEN TESTS

# %% [markdown]
# ### Run

# %%
gathered = lab.run("sequential-vs-gather", quick=True, scale=SCALE)
gathered

# %% [markdown]
# ### Observe
#
# The black line is the bound: the least time that the plan allows.

# %%
plots.makespans(gathered, by="case", title="Three waits in one handler: sum or longest?");

# %% [markdown]
# ## Ten requests at once
#
# The same question again, one floor higher: now ten clients ask at the same moment, and each handler waits 100 ms.

# %%
lab.show("blocking-async")

# %% [markdown]
# ### Predict
#
# | id | question |
# |---|---|
# | `blocking-async-1` | handlers that block the loop: when does the tenth request get its answer? |
# | `blocking-async-2` | handlers that await? |
# | `blocking-async-3` | four worker processes, each blocked by its own requests, dealt in turn? |
#
# Again a line for each: `answers["blocking-async-1"] = "250 ms"`.

# %% answer=predict-burst
### BEGIN SOLUTION
answers["blocking-async-1"] = "1 s"
answers["blocking-async-2"] = "100 ms"
answers["blocking-async-3"] = "300 ms"
### END SOLUTION

# %% test=test-burst points=3
lab.answered(answers, "blocking-async-1", "blocking-async-2", "blocking-async-3")
### BEGIN HIDDEN TESTS
lab.grade("blocking-async", answers).require()
### END HIDDEN TESTS

# %% [markdown]
# ### Run

# %%
burst = lab.run("blocking-async", quick=True)
plots.makespans(burst, title="Ten requests of 100 ms");

# %% [markdown]
# A white diamond is the figure that a textbook prints for its own experiment. One of them lies left of the bound.
# Can that be? (Notebook 6 comes back to it.)
#
# ### Observe
#
# A lane is a request, from the moment it was sent to its answer.

# %%
plots.timelines(burst, ["blocking-loop", "async-loop", "workers-4"],
                titles=["A loop, blocked", "A loop, awaiting", "Four loops, blocked"]);

# %%
parts = ["unread_ms", "runnable_ms", "service_ms", "reply_ms"]
burst.requests.groupby("arm", sort=False)[parts].mean().round(1)

# %% [markdown]
# ### Explain
#
# In two or three sentences: what decides whether waits add up? Say what a request *holds* while it waits, and in which of
# the four columns above the lost time shows up, and why there.

# %% [markdown] essay=explain points=3
# Waits add up when each one keeps something of which there is only one. A blocking handler keeps the loop, so the next
# request is not even read: its time is spent *unread*, in the socket, and its own service is as short as ever. A handler
# that awaits keeps nothing, so the waits overlap and the longest one decides. Four loops are four of that one thing: ten
# requests take three rounds, and on two of the four loops only.

# %% [markdown]
# ## Modify
#
# Here is a page that needs a user (200 ms), and with the user's id both the orders (150 ms) and the adverts (300 ms).
# Written as three awaits it takes 650 ms. Write the plan so that it is answered after 500 ms, with the same three waits.
# A step can be `{ gather = [[…], […]] }`: lists of steps that are done at once.

# %% answer=modify-page
steps = '[{ wait = "200ms" }, { wait = "150ms" }, { wait = "300ms" }]'
### BEGIN SOLUTION
steps = '[{ wait = "200ms" }, { gather = [[{ wait = "150ms" }], [{ wait = "300ms" }]] }]'
### END SOLUTION

# %%
def page_with(steps):
    return lab.scenario("page", f'''
question = "A user, then orders and adverts. How fast is the page?"
[routes.page]
request = "GET /page"
steps   = {steps}
[[load]]
route    = "page"
arrivals = "burst"
requests = 1
[[arms]]
id   = "page"
mode = "async-loop"
''')

lab.run(page_with(steps), quick=True)

# %% test=test-modify points=3
import tomllib
plan = tomllib.loads(f"steps = {steps}")["steps"]
assert plan[0] == {"wait": "200ms"}, "orders and adverts need the user, so that wait comes first, by itself"
assert sorted(w for w in ("150ms", "200ms", "300ms") if steps.count(f'"{w}"') == 1) == ["150ms", "200ms", "300ms"], "the same three waits"
### BEGIN HIDDEN TESTS
assert "blocking" not in steps
assert abs(lab.predict(page_with(steps)).value("page") - 0.5) < 0.001, "the page is not answered after 500 ms"
### END HIDDEN TESTS

# %% [markdown]
# **Take home.** Waits add up where each of them holds the only loop, and overlap where they hold nothing. `gather` saves
# time for exactly those that do not block.
