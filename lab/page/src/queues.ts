// Who queues, waits and runs at a moment, and what that means in a sentence.
import { formatTime, listOf, plural } from "./format";
import type { Lane, LaneState, Panel, Segment } from "./types";

export interface Sets {
  unread: number[]; // in their sockets
  queued: number[]; // read, wait for the loop, a thread, a core
  running: number[]; // hold the loop, a pool member or a thread
  waiting: number[]; // wait and hold nothing
  locked: number[]; // have a thread but not the interpreter lock
  answered: number;
  unsent: number;
}

/** The part of a lane that holds at a moment; none before it was sent and after it was answered. */
export function partAt(lane: Lane, at: number): Segment | undefined {
  let low = 0, high = lane.segments.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (lane.segments[middle]!.to <= at) low = middle + 1;
    else high = middle;
  }
  const part = lane.segments[low];
  return part !== undefined && part.from <= at ? part : undefined;
}

const kSetOf: Partial<Record<LaneState, "unread" | "queued" | "running" | "waiting" | "locked">> = {
  unread: "unread", runnable: "queued", loop: "running", pool: "running", waiting: "waiting", lock: "locked",
};

export function setsAt(panel: Panel, at: number): Sets {
  const sets: Sets = { unread: [], queued: [], running: [], waiting: [], locked: [], answered: 0, unsent: 0 };
  for (const lane of panel.lanes) {
    const part = partAt(lane, at);
    const name = part && kSetOf[part.state];
    if (name) sets[name].push(lane.request);
    else if (lane.answered && at >= lane.end) ++sets.answered;
    else if (!part || part.state === "unsent") ++sets.unsent;
  }
  return sets;
}

/** What holds a request while it runs there. */
export function heldBy(panel: Panel): "loop" | "thread" {
  return panel.lanes.some((lane) => lane.segments.some((part) => part.state === "pool")) ? "thread" : "loop";
}

const requestWord = (ids: readonly number[]): string => `${ids.length === 1 ? "request" : "requests"} ${listOf(ids)}`;

/** What happens now, in words. */
export function stepInWords(panel: Panel, at: number, sets = setsAt(panel, at)): string {
  const { unread, queued, running, waiting, locked } = sets;
  const behind = unread.length + queued.length;
  if (sets.answered === panel.lanes.length && panel.lanes.length > 0)
    return `${panel.lanes.length === 1 ? "It is" : `All ${panel.lanes.length} are`} answered.`;
  if (running.length === 0 && waiting.length === 0 && behind === 0 && locked.length === 0)
    return sets.unsent === panel.lanes.length ? "Nothing has been sent yet." : "Nothing to do.";
  const where = heldBy(panel);
  const parts: string[] = [];
  if (running.length > 0 && where === "loop")
    parts.push(`${requestWord(running)} ${running.length === 1 ? "holds" : "hold"} ${panel.workers > 1 ? "their loops" : "the loop"}`);
  else if (running.length > 0) parts.push(`${plural(running.length, "thread is held", "threads are held")}`);
  if (locked.length > 0) parts.push(`${plural(locked.length, "thread waits", "threads wait")} for the GIL`);
  if (waiting.length > 0)
    parts.push(`${plural(waiting.length, "request waits and holds", "requests wait and hold")} nothing`);
  if (running.length === 0 && waiting.length > 0 && behind === 0) parts.push("the loop is free");
  if (unread.length > 0) parts.push(`${unread.length} ${unread.length === 1 ? "lies" : "lie"} unread`);
  if (queued.length > 0) parts.push(`${queued.length} ${queued.length === 1 ? "queues" : "queue"}`);
  const text = parts.join("; ");
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

export interface Stretch { from: number; to: number; held: number }

/** How many requests of a worker hold its loop or its threads, over time; only where it is more than none. */
export function heldOver(lanes: readonly Lane[]): Stretch[] {
  const edges: [number, number][] = [];
  for (const lane of lanes) {
    for (const part of lane.segments) {
      if (part.state === "loop" || part.state === "pool") edges.push([part.from, 1], [part.to, -1]);
    }
  }
  edges.sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const stretches: Stretch[] = [];
  let held = 0, from = 0;
  for (const [at, change] of edges) {
    if (held > 0 && at > from) stretches.push({ from, to: at, held });
    held += change;
    from = at;
  }
  return stretches;
}

/** One strip for each worker: when it was occupied, and the longest time in which it could see nothing else. */
export interface Strip { worker: number; of: number; stretches: Stretch[]; longest: number }

const strips = new WeakMap<Panel, Strip[]>(); // asked again for each frame of a replay

export function stripsOf(panel: Panel): Strip[] {
  const known = strips.get(panel) ?? makeStrips(panel);
  strips.set(panel, known);
  return known;
}

function makeStrips(panel: Panel): Strip[] {
  const workers = [...new Set(panel.lanes.map((lane) => lane.worker))].filter((worker) => worker >= 0).sort((a, b) => a - b);
  const pool = heldBy(panel) === "thread";
  return (workers.length > 0 ? workers : [-1]).map((worker) => {
    const loop = panel.loops.find((one) => one.worker === worker);
    const own = panel.lanes.filter((lane) => lane.worker === worker || worker < 0);
    const stretches = pool || !loop ? heldOver(own) : loop.turns.map(({ from, to }) => ({ from, to, held: 1 }));
    const most = Math.max(1, ...stretches.map((stretch) => stretch.held));
    return {
      worker,
      of: pool ? Math.max(panel.threads ?? 0, most) : 1,
      stretches,
      longest: pool ? 0 : Math.max(0, ...stretches.map((stretch) => stretch.to - stretch.from)),
    };
  });
}

/** `The loop could see nothing else for up to 100 ms.` */
export function gapInWords(panel: Panel): string {
  if (heldBy(panel) === "thread") {
    const most = Math.max(0, ...stripsOf(panel).flatMap((strip) => strip.stretches.map((stretch) => stretch.held)));
    return `At most ${plural(most, "thread")} held at once${panel.threads ? ` of ${panel.threads}` : ""}.`;
  }
  const longest = Math.max(0, ...stripsOf(panel).map((strip) => strip.longest));
  if (longest === 0) return "The loop was never held.";
  return `Longest gap of the loop: ${formatTime(longest)}.`;
}
