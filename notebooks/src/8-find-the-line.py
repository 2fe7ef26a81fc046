# %% [markdown]
# # 8 · Find the line
#
# So far the servers were the lab's own, and you knew what each one did wrong. Here is one that you don't know: a small FastAPI app
# that works, and that everybody complains about. Load tools say *that* it is slow. `lab diagnose` starts it, sends it bursts of
# requests, and looks inside meanwhile: it says *where*.

# %% locked=setup
import sys
sys.path[:0] = [".", ".."]  # lab.py lies beside the notebooks
import lab

answers = {}

# %% [markdown]
# ## The report
#
# `lab.sick` writes the app into a folder of its own. Its first lines say what is asked of you. Read it, and run nothing yet.

# %%
report = lab.sick("find-the-line")
print(report.read_text())

# %% [markdown]
# ### Predict
#
# A report alone takes 50 ms. 32 people ask for one at once.
#
# | id | question |
# |---|---|
# | `together` | when is the last of the 32 reports answered, in seconds? |
# | `function` | in which function does the server wait, while nobody else is served? |
#
# A line for each question: `answers["together"] = 12.5` and `answers["function"] = "its name"`, with your own.

# %% answer=predict-report
### BEGIN SOLUTION
answers["together"] = 1.6
answers["function"] = "ask_database"
### END SOLUTION

# %% [markdown]
# ### Run and observe
#
# The lab starts the app on a free port, asks it 1, 2, 4, … 32 times at once, looks at its threads, and ends it. It takes some seconds.

# %%
found = lab.diagnose(report, "/report", "/health", max_concurrency=32)
print(f"{found.attrs['at_once']} at once took {found.attrs['makespan_s']:.2f} s; executes: {found.attrs['execution']}")
found[["id", "title", "file", "line", "function", "source", "share"]]

# %% [markdown]
# Were you right?

# %% test=test-predict points=2
assert 0 < answers["together"] < 3600, "a number of seconds"
assert f"def {answers['function']}(" in report.read_text(), "it is a function of report.py"
### BEGIN HIDDEN TESTS
assert 0.6 <= answers["together"] / found.attrs["makespan_s"] <= 1.5, "the loop is held by each of the 32, one after another"
assert answers["function"] == found["function"][0], "who awaits gives the loop back only where something suspends: who really waits?"
### END HIDDEN TESTS

# %% [markdown]
# The share is that of the loop's *late* time: of all the time in which the event loop should have gone round and could not, so much was
# spent in that line. A watchdog thread inside the server takes the loop's stack while it is late. `called from` says how it got there:

# %%
print(*found["says"], sep="\n")

# %% [markdown]
# ### Explain
#
# Every function between the route and that line is `async`, or is called from one that is. Why does nobody else run meanwhile?

# %% [markdown] essay=explain-report points=3
# async def and await alone never give the loop back. Only an await that suspends does, and on the way from the route to the line there
# is none: collect() is awaited, but it runs at once and calls ask_database() as a plain function, which sleeps in the kernel with the
# only thread of the loop. 31 other reports and every /health lie in their sockets until it wakes up.

# %% [markdown]
# Your report is an old acquaintance: the model of the first notebook says the same of 32 requests that block for 50 ms each.

# %%
lab.predict("blocking-async", arms="blocking-loop,thread-pool", requests=32, delay="50ms").table[["arm", "label", "predicted_s"]]

# %% [markdown]
# ### Modify: repair it
#
# Change as little as you can, and leave the work in: a report alone still takes its 50 ms. Write the repaired app into `repaired_report`
# (edit the text with `replace`, or write the whole file between quotes).

# %% answer=repair-report
sick_text = report.read_text()
### BEGIN SOLUTION
repaired_report = (sick_text.replace("async def collect():", "def collect():")
                   .replace("async def report():\n    return await collect()", "def report():\n    return collect()"))
### END SOLUTION
report.write_text(repaired_report);

# %% test=test-repair points=4
compile(repaired_report, "report.py", "exec")
assert "@app.get(\"/report\")" in repaired_report, "the route has to stay"
### BEGIN HIDDEN TESTS
report.write_text(repaired_report)
lab.repaired("find-the-line", report).require()
### END HIDDEN TESTS

# %% [markdown]
# `lab grade` does not read your code. It starts it, and diagnoses it again.

# %%
lab.repaired("find-the-line", report)

# %% [markdown]
# ## Everything is awaited, and still
#
# The second app has no blocking call at all.

# %%
prices = lab.sick("find-the-lock")
print(prices.read_text())

# %%
found = lab.diagnose(prices, "/prices", "/health", max_concurrency=32)
print(f"{found.attrs['at_once']} at once took {found.attrs['makespan_s']:.2f} s; the loop is blocked: {found.attrs['loop_blocked']}")
found[["id", "title", "line", "function", "source"]]

# %% [markdown]
# `/health` is answered at once here: the loop is free. It is the requests that wait, for each other.

# %% answer=repair-prices
sick_text = prices.read_text()
### BEGIN SOLUTION
repaired_prices = sick_text.replace("        asked += 1\n        return await ask_exchange()", "        asked += 1\n    return await ask_exchange()")
### END SOLUTION
prices.write_text(repaired_prices);

# %% test=test-prices points=3
compile(repaired_prices, "prices.py", "exec")
### BEGIN HIDDEN TESTS
prices.write_text(repaired_prices)
lab.repaired("find-the-lock", prices).require()
### END HIDDEN TESTS

# %%
import matplotlib.pyplot as plt

before, after = found.attrs["makespan_s"], lab.diagnose(prices, "/prices", "/health", max_concurrency=32).attrs["makespan_s"]
figure, axes = plt.subplots(figsize=(6, 1.6))
axes.barh(["repaired", "sick"], [after, before])
axes.set_xlabel("32 at once, seconds");

# %% [markdown]
# **Remember.** A slow server is not a riddle. Ask it many times at once, look where its threads are meanwhile, repair that line, and ask
# again: `lab diagnose … --against last` says what your edit changed.
