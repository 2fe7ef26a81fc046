"""The notebooks' pictures, in one style: what was measured is filled, what theory says is a thin black line.

Colours are those of `lab report --format svg` (Okabe and Ito's, told apart by colour-blind readers too). Every function draws
into `ax` (a new figure where there is none) and returns it; titles say what is to be seen.
"""
import math

import matplotlib.pyplot as plt
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator
from matplotlib.transforms import offset_copy

import lab

LOOP, POOL, WAITING, TURN, UNREAD, REPLY = "#d55e00", "#0072b2", "#009e73", "#f0e442", "#dddddd", "#cc79a7"
QUEUE, INK, QUIET = "#56b4e9", "#222222", "#888888"
COLOURS = [LOOP, POOL, WAITING, "#e69f00", REPLY, QUEUE, INK]
MODES = {"blocking-loop": LOOP, "async-loop": WAITING, "thread-pool": POOL, "offload": QUEUE, "thread-per-request": "#e69f00",
         "task-queue": REPLY}
HELD = {"loop": LOOP, "pool": POOL, "thread": POOL, "queue": QUEUE}
LEGEND = {"unread": UNREAD, "read, waits its turn": TURN, "holds the loop": LOOP, "holds a thread": POOL,
          "waits, holds nothing": "#bfe6d8", "job of a queue": QUEUE}

plt.rcParams.update({
    "figure.figsize": (8, 3.6), "figure.dpi": 110, "font.size": 11,
    "figure.constrained_layout.use": True, "figure.constrained_layout.wspace": 0.06,
    "axes.titlesize": 12.5, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.titlepad": 9,
    "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": QUIET, "axes.labelcolor": INK,
    "axes.prop_cycle": plt.cycler(color=COLOURS), "xtick.color": QUIET, "ytick.color": QUIET,
    "xtick.labelcolor": INK, "ytick.labelcolor": INK, "grid.color": "#e6e6e6", "axes.grid": True, "axes.axisbelow": True,
    "legend.frameon": False, "legend.fontsize": 9.5, "lines.linewidth": 2})


def seconds(value, _=None):
    """3600 -> "1 h", 0.25 -> "250 ms": for axes and labels."""
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"), (1e-3, "ms"), (1e-6, "µs")):
        if abs(value) >= unit * 0.9995:
            return f"{value / unit:.3g} {name}"
    return "0"


def _axes(ax, **size):
    return ax if ax is not None else plt.subplots(**size)[1]


def grid(rows=1, columns=1, height=3.4, width=8, **options):
    """A figure of several plots; returns their axes, flat."""
    axes = plt.subplots(rows, columns, figsize=(width, height * rows), squeeze=False, **options)[1]
    return list(axes.flat)


def legend_below(ax, **options):
    """The legend, under the label of the x axis and the remark, whatever the plot's height; so it comes after both."""
    down = (-40 if ax.get_xlabel() else -24) - (13 if any(one.get_gid() == "remark" for one in ax.texts) else 0)
    ax.legend(loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=offset_copy(ax.transAxes, ax.figure, 0, down, "points"),
              **options)


def _is_narrow(ax):
    return ax.get_position().width < 0.5


def _time_axis(ax, unit=1.0):
    """Ticks that say their unit; `unit` is what one stands for, in seconds."""
    ax.xaxis.set_major_locator(MaxNLocator(3 if _is_narrow(ax) else 6))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: seconds(value * unit)))


def remark(ax, run):
    """Small, once in a figure: by what times are scaled; that others used the cores, so that computing takes longer."""
    said = [f"waits and CPU × {run.scale:g}"] if run.scale != 1 else []
    said += ["the machine was not quiet"] if run.noise != "quiet" else []
    if said and ax is ax.figure.axes[-1]:
        ax.annotate(" · ".join(said), (1, 0), xycoords="axes fraction", xytext=(0, -38 if ax.get_xlabel() else -22),
                    textcoords="offset points", ha="right", va="top", fontsize=8, style="italic", color=QUIET, gid="remark")


def _part(table, arm, case, number=1):
    """The rows of one repetition, of the first engine that ran this arm."""
    own = table[(table["arm"] == arm) & (table["case"] == case) & (table["number"] == number)]
    return own[own["engine"] == own["engine"].iloc[0]] if len(own) else own


def _requests(run, arm, case, number=1):
    own = _part(run.requests, arm, case, number)
    if own.empty:
        there = run.requests[["arm", "case"]].drop_duplicates().itertuples(index=False)
        raise lab.LabError(f"no request of arm {arm}, case {case} was recorded; there are " + ", ".join(map("/".join, there)))
    return own


def timeline(run, arm, case="main", ax=None, title=None, routes=None, until=None, legend=True):
    """A lane for each request, from sent to answered: where it lay, what it held. The line is the bound."""
    requests = _requests(run, arm, case).sort_values(["sent_ms", "id"])
    if routes:
        requests = requests[requests["route"].isin(routes)]
    ax = _axes(ax, figsize=(8, _height(len(requests))))
    bound = run.table.query("arm == @arm and case == @case")["bound_s"].iloc[0]
    longest = max(requests["received_ms"].max(), (bound or 0) * 1e3)
    visible = (until or longest) / 300  # less is thinner than a line
    lane = {one: place for place, one in enumerate(requests["id"], start=1)}
    seen = set()

    def bars(ids, begins, ends, colour):
        wide = [(lane[one], begin, end - begin) for one, begin, end in zip(ids, begins, ends) if end > begin]
        if any(end > visible for _, _, end in wide):
            seen.add(colour)
        ax.barh([w[0] for w in wide], [w[2] for w in wide], left=[w[1] for w in wide], height=0.72, color=colour)

    ids = requests["id"]
    bars(ids, requests["sent_ms"], requests["read_ms"], UNREAD)
    bars(ids, requests["read_ms"], requests["started_ms"], TURN)
    bars(ids, requests["started_ms"], requests["finished_ms"], "#bfe6d8")
    short = requests[requests["received_ms"] - requests["sent_ms"] < 2 * visible]
    ax.plot(short["received_ms"], [lane[one] for one in short["id"]], "o", color=INK, markersize=3.5, zorder=3)
    held = _part(run.record.holds, arm, case)
    for resource, colour in HELD.items():
        own = held[(held["resource"] == resource) & held["request"].isin(lane)]
        bars(own["request"], own["from_ms"], own["to_ms"], colour)
    if bound:
        ax.axvline(bound * 1e3, color="black", linewidth=1.2, linestyle=(0, (4, 3)))
    ax.set(ylim=(len(lane) + 0.6, 0.4), xlim=(0, until or longest * 1.04), xlabel="ms since the load began",
           ylabel="request" if len(lane) > 3 else "")
    ax.set_yticks([one for one in range(1, len(lane) + 1) if len(lane) <= 12 or one % 10 == 0 or one == 1])
    ax.grid(axis="y", visible=False)
    remark(ax, run)
    ax.set_title(title or arm)
    ax.seen = seen
    if legend:
        _colours_of(ax, seen)
    return ax


def _height(lanes):
    return 1.3 + (0.24 * lanes if lanes <= 14 else 3.4 * min(1, lanes / 60) + 0.8)


def _colours_of(ax, seen):
    handles = [Patch(color=colour, label=name) for name, colour in LEGEND.items() if colour in seen]
    handles.append(Line2D([], [], color="black", linewidth=1.2, linestyle=(0, (4, 3)), label="bound"))
    legend_below(ax, handles=handles, ncol=4 if len(handles) == 4 else 3)


def timelines(run, arms, case="main", titles=None, routes=None):
    """Lanes of several arms (or, where `arms` is one word, of several cases) above each other on the same axis of time."""
    pairs = [(arms, one) for one in case] if isinstance(arms, str) else [(one, case) for one in arms]
    lanes = max(len(_requests(run, *pair)) for pair in pairs)
    axes = grid(len(pairs), height=_height(lanes) - 0.6, sharex=True)
    until = max(_requests(run, *pair)["received_ms"].max() for pair in pairs) * 1.04
    for place, (ax, (arm, one)) in enumerate(zip(axes, pairs)):
        timeline(run, arm, one, ax, titles[place] if titles else None, routes, until, legend=False)
    for ax in axes[:-1]:
        ax.set_xlabel("")
    _colours_of(axes[-1], set().union(*(ax.seen for ax in axes)))
    return axes


def makespans(run, ax=None, title=None, case=None, by="label"):
    """Bars of what was measured, its figures in a column at the right; with the bound and the documents' figure."""
    table = run.table if case is None else run.table.query("case == @case")
    table = table[table["measured_s"].notna()]
    names = [f"{one[by]}" for _, one in table.iterrows()]
    ax = _axes(ax, figsize=(8, 1.3 + 0.46 * len(table)))
    places = range(len(table))
    ax.barh(places, table["measured_s"], height=0.6, color=[MODES.get(mode, QUIET) for mode in table["mode"]])
    for place, (_, one) in zip(places, table.iterrows()):
        ax.plot([one["bound_s"]] * 2, [place - 0.4, place + 0.4], color="black", linewidth=1.6,
                label="bound" if place == 0 else None)
        ax.annotate(seconds(one["measured_s"]), (1, place), xycoords=("axes fraction", "data"), xytext=(8, 0),
                    textcoords="offset points", va="center", fontsize=10, color=MODES.get(one["mode"], QUIET), fontweight="bold")
    ax.annotate("predicted" if run.document["predicted_only"] else "measured", (1, 1), xycoords="axes fraction", xytext=(8, 2),
                textcoords="offset points", fontsize=8.5, color=QUIET)
    told = [(place, value) for place, value in zip(places, table["documented_s"].astype(float)) if value > 0]
    if told:
        ax.plot([value for _, value in told], [place for place, _ in told], "D", color="white", markeredgecolor="black",
                markersize=6, label="the documents' figure")
    ax.set_yticks(list(places), names)
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set_xlim(0, table[["measured_s", "bound_s", "documented_s"]].astype(float).max().max() * 1.05)
    _time_axis(ax)
    remark(ax, run)
    ax.set_title(title or run.document["question"])
    legend_below(ax, ncol=2)
    return ax


def ranks(run, arms, case="main", ax=None, title=None, theory=None):
    """Latency of the fastest, second, … slowest request. `theory` maps a rank to the milliseconds that the plan allows."""
    ax = _axes(ax)
    most = 0
    for place, arm in enumerate(arms):
        latencies = sorted(_requests(run, arm, case)["latency_ms"].dropna())
        most = max(most, len(latencies))
        label = run.table.query("arm == @arm")["label"].iloc[0]
        ax.plot(range(1, len(latencies) + 1), latencies, "o", color=COLOURS[(1, 2, 0, 3)[place % 4]], markersize=4, label=label)
    if theory:
        ax.step(range(1, most + 1), [theory(rank) for rank in range(1, most + 1)], where="mid", color="black", linewidth=1.2,
                label="bound")
    ax.set(ylim=0, xlim=(0, most + 1), xlabel="rank of the request, by latency", ylabel="latency in ms")
    remark(ax, run)
    ax.set_title(title or "Latency against rank")
    ax.legend(loc="upper left")
    return ax


def over_time(run, arms, route, case="main", ax=None, title=None):
    """Latency of a route's requests against the moment at which they were meant to be sent."""
    ax = _axes(ax)
    for place, arm in enumerate(arms):
        own = _requests(run, arm, case).query("route == @route").sort_values("intended_ms")
        label = run.table.query("arm == @arm and case == @case")["label"].iloc[0]
        ax.plot(own["intended_ms"], own["latency_ms"], "o-", color=COLOURS[place], markersize=4, linewidth=1, label=label)
    ax.set(ylim=0, xlabel="when the request was meant to be sent, in ms", ylabel="latency in ms")
    remark(ax, run)
    ax.set_title(title or f"What {route} felt")
    ax.legend(loc="upper right")
    return ax


def strips(run, arms, route, case="main", ax=None, title=None, log=True):
    """Every latency of a route as a dot, a row for each arm; the bar is the slowest one."""
    ax = _axes(ax, figsize=(8, 1.3 + 0.55 * len(arms)))
    names = []
    for place, arm in enumerate(arms):
        own = _requests(run, arm, case).query("route == @route")["latency_ms"].dropna()
        spread = [place + 0.26 * math.sin(index * 2.4) for index in range(len(own))]
        ax.plot(own, spread, "o", color=COLOURS[place], markersize=4, alpha=0.65, markeredgewidth=0)
        ax.plot([own.max()] * 2, [place - 0.38, place + 0.38], color=COLOURS[place], linewidth=3)
        ax.annotate(seconds(own.max() / 1e3), (own.max(), place), xytext=(7, 0), textcoords="offset points", va="center", fontsize=10)
        names.append(run.table.query("arm == @arm")["label"].iloc[0])
    ax.set_yticks(range(len(arms)), names)
    ax.invert_yaxis()
    if log:
        ax.set_xscale("log")
        ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: seconds(value / 1e3)))
        ax.set_xlim(right=ax.get_xlim()[1] * 1.8)
    else:
        ax.set_xlim(0, ax.get_xlim()[1] * 1.1)
        _time_axis(ax, 1e-3)
    ax.grid(axis="y", visible=False)
    remark(ax, run)
    ax.set_title(title or f"Latency of {route}")
    return ax


def workers(run, arms, case="main", number=1, ax=None, title=None):
    """How many requests each worker process served, stacked for each arm, busiest first; the last column is the makespan."""
    ax = _axes(ax, figsize=(8, 1.3 + 0.5 * len(arms)))
    names = []
    for place, arm in enumerate(arms):
        own = _requests(run, arm, case, number)
        shares = sorted(own["worker"].value_counts(), reverse=True)
        left = 0
        for slot, share in enumerate(shares):
            ax.barh(place, share, left=left, height=0.62, color=COLOURS[slot % len(COLOURS)], edgecolor="white")
            ax.annotate(str(share), (left + share / 2, place), ha="center", va="center", color="white", fontweight="bold")
            left += share
        span = own["received_ms"].max() - own["sent_ms"].min()
        ax.annotate(seconds(span / 1e3), (left, place), xytext=(8, 0), textcoords="offset points", va="center")
        names.append(run.table.query("arm == @arm")["label"].iloc[0])
    ax.set_yticks(range(len(arms)), names)
    ax.invert_yaxis()
    ax.grid(visible=False)
    ax.set(xlabel="requests, a colour for each worker; at the end: when the last was answered")
    ax.set_xlim(right=ax.get_xlim()[1] * 1.1)
    remark(ax, run)
    ax.set_title(title or "Who served how many")
    return ax


def scaling(lines, ax=None, title=None, x="requests", measured=None):
    """Logarithmic lines of predictions, {label: [(x, seconds)]}; `measured` are dots in the same colours."""
    ax = _axes(ax, figsize=(8, 4))
    for place, (label, points) in enumerate(lines.items()):
        ax.plot(*zip(*points), color=COLOURS[place % len(COLOURS)], label=label)
        ax.annotate(seconds(points[-1][1]), points[-1], xytext=(6, 0), textcoords="offset points", va="center", fontsize=10)
        for at in (measured or {}).get(label, []):
            ax.plot(*at, "o", color=COLOURS[place % len(COLOURS)], markeredgecolor="white", markersize=8)
    ax.set(xscale="log", yscale="log", xlabel=x)
    ax.set_xlim(right=ax.get_xlim()[1] * 2.5)
    low, high = ax.get_ylim()
    ax.set_yticks([one for one in (1e-3, 1e-2, 0.1, 1, 10, 60, 600, 3600, 36000) if low <= one <= high])
    ax.yaxis.set_minor_locator(NullLocator())
    ax.yaxis.set_major_formatter(FuncFormatter(seconds))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    ax.set_title(title or "The model at scale")
    ax.legend(loc="upper left")
    return ax


def outcomes(claims, ax=None, title=None):
    """How many of each document's claims a run verifies, qualifies, refutes."""
    counts = claims.groupby(["document", "on_record"]).size().unstack(fill_value=0)
    ax = _axes(ax, figsize=(8, 3))
    left = [0] * len(counts)
    for outcome, colour in (("verified", WAITING), ("qualified", "#e69f00"), ("refuted", LOOP)):
        share = counts.get(outcome, left)
        ax.barh(counts.index, share, left=left, color=colour, label=outcome, height=0.66, edgecolor="white")
        for row, (begin, one) in enumerate(zip(left, share)):
            if one:
                ax.annotate(str(one), (begin + one / 2, row), ha="center", va="center", color="white", fontweight="bold")
        left = [begin + one for begin, one in zip(left, share)]
    ax.invert_yaxis()
    ax.grid(axis="y", visible=False)
    ax.set(xlabel="claims that a run can decide")
    ax.set_title(title or "What holds of five documents")
    legend_below(ax, ncol=3)
    return ax
