# %% [markdown]
# # 1 · Sum or max?
#
# A server has to wait for several things. Do the waits add up, or does the longest one decide? Everything about
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
# | `sequential-vs-gather-1` | three gathered coroutines call `time.sleep(1)`. How long do they take in all? |
# | `sequential-vs-gather-2` | three gathered coroutines `await asyncio.sleep(1)`. How long do they take in all? |
#
# The run below takes as long as the text says. Write a line for each question into the next cell, in place of what is there.
# To say that it takes a quarter of a second:
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
gathered = lab.run("sequential-vs-gather", answers, quick=True)
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
# Now the same question for several requests: ten clients ask at the same moment, and each handler waits 100 ms.

# %%
lab.show("blocking-async")

# %% [markdown]
# ### Predict
#
# | id | question |
# |---|---|
# | `blocking-async-1` | the handlers block the loop. When is the tenth request answered? |
# | `blocking-async-2` | the handlers await. When is the tenth request answered? |
# | `blocking-async-3` | four worker processes get the requests in turn, and each request blocks its worker. When is the tenth answered? |
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
burst = lab.run("blocking-async", answers, quick=True)
plots.makespans(burst, title="Ten requests of 100 ms");

# %% [markdown]
# A white diamond is the figure that a textbook prints for its own experiment. One of them lies left of the bound.
# Can that be? (Notebook 6 comes back to it.)
#
# ### Observe
#
# Each lane is a request, from the moment when it was sent to its answer.

# %%
plots.timelines(burst, ["blocking-loop", "async-loop", "workers-4"],
                titles=["A loop, blocked", "A loop, awaiting", "Four loops, blocked"]);

# %%
parts = ["unread_ms", "runnable_ms", "service_ms", "reply_ms"]
burst.requests.groupby("arm", sort=False)[parts].mean().round(1)

# %% [markdown]
# ### Explain
#
# Write two or three sentences: what decides whether waits add up? Say what a request *holds* while it waits, in which of
# the four columns above you see the lost time, and why you see it there.

# %% [markdown] essay=explain points=3
# Waits add up when each one holds something of which there is only one. A blocking handler holds the loop, so the next
# request is not even read: it spends its time *unread*, in the socket, and its own service is as short as before. A handler
# that awaits holds nothing, so the waits overlap and the longest one decides. Four workers have four loops: two of them
# serve three of the ten requests, the other two serve two.

# %% [markdown]
# ## Modify
#
# Here is a page that needs a user (200 ms), and with the user's id both the orders (150 ms) and the adverts (300 ms).
# Written as three awaits it takes 650 ms. Change the plan so that the page is answered after 500 ms, with the same three waits.
# A step can be `{ gather = [[…], […]] }`: lists of steps that run at the same time.

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
# **Remember.** Waits add up if each of them holds the only loop, and overlap if they hold nothing. `gather` saves time
# only for waits that do not block.
