// How far off a prediction was, and what it suggests: each usual mistake is a figure of its own, so a guess names the thought.
import { formatTime, plural, timesWord } from "./format";
import type { Lane, Panel } from "./types";

export interface Thought {
  seconds: number;
  say: string; // what somebody thought who says that number
}

/** How long a request takes that meets nobody: the shortest of all that are shown. */
function alone(panels: readonly Panel[]): number {
  const spans = panels.flatMap((panel) => panel.lanes.filter((lane: Lane) => lane.answered)
    .map((lane) => lane.end - (lane.segments[0]?.from ?? 0)));
  return spans.length > 0 ? Math.min(...spans) : 0;
}

/** The numbers that a class says, and why. `panels`: the arms beside it, for the shortest time of one request. */
export function thoughtsOn(panel: Panel, panels: readonly Panel[] = [panel]): Thought[] {
  const single = alone(panels), count = panel.requests;
  const alike = new Set(panel.lanes.map((lane) => lane.route)).size === 1; // otherwise no request stands for the others
  if (single <= 0 || count < 2 || !alike) return [];
  const sum = single * count;
  const thoughts: Thought[] = [
    { seconds: single, say: `${formatTime(single)} is what one request takes alone: that is all ${count} at the same time` },
    { seconds: sum, say: `${formatTime(sum)} means you added them up: ${count} × ${formatTime(single)}, one after another` },
    { seconds: (sum + single) / 2, say: `${formatTime((sum + single) / 2)} is the mean of requests that queue; the last one waits for all before it` },
  ];
  const shares: [number, string][] = [[panel.workers, "workers"], [panel.threads ?? 1, "threads"]];
  for (const [members, word] of shares) {
    if (members < 2) continue;
    const divided = sum / members, rounds = Math.ceil(count / members) * single;
    if (members < count && Math.abs(divided - rounds) > rounds * 0.05)
      thoughts.push({ seconds: divided, say: `${formatTime(divided)} divides the work evenly over ${members} ${word}, but a request cannot be divided` });
    thoughts.push({ seconds: rounds, say: `${formatTime(rounds)} means ${plural(Math.ceil(count / members), "round")} on ${members} ${word}` });
  }
  thoughts.push({ seconds: single / count, say: `waits overlap, but they are not divided: each still takes its ${formatTime(single)}` });
  return thoughts.filter((thought, i) => thoughts.findIndex((other) => near(other.seconds, thought.seconds, 0.02)) === i);
}

export const near = (a: number, b: number, share: number): boolean => Math.abs(a - b) <= share * Math.max(a, b);

/** A guess is right that is as near as the lab calls right: not 1.25 times too long or too short. */
export const isRight = (guess: number, truth: number): boolean => guess > truth * 0.8 && guess < truth * 1.25;

/** `You said 100 ms, it took 1.00 s: 10 times as long.` */
export function howFarOff(guess: number, truth: number): string {
  const said = `You said ${formatTime(guess)}, it took ${formatTime(truth)}`;
  if (isRight(guess, truth)) return `${said}: right.`;
  if (guess <= 0) return `${said}: not immediate.`;
  return guess < truth ? `${said}: ${timesWord(truth / guess)} as long.` : `${said}: ${timesWord(guess / truth)} as fast.`;
}

/** What a wrong number suggests; empty where it is right or nothing is known that leads to it. */
export function whatItSuggests(guess: number, panel: Panel, panels: readonly Panel[]): string {
  if (isRight(guess, panel.makespan)) return "";
  const thought = thoughtsOn(panel, panels).filter((one) => near(one.seconds, guess, 0.12))
    .sort((a, b) => Math.abs(a.seconds - guess) - Math.abs(b.seconds - guess))[0];
  if (thought) return `${thought.say.charAt(0).toUpperCase()}${thought.say.slice(1)}.`;
  if (panel.bound !== undefined && guess < panel.bound * 0.99)
    return `Nothing can be faster than the bound, ${formatTime(panel.bound)}: look for what the requests wait for.`;
  return guess > panel.makespan ? "More overlaps than you thought: look for what the requests do not hold while they wait."
    : "Something takes time that you left out: look for where the lanes queue.";
}

/** The answers that a class votes on, from short to long: what is usual, and the right one among them. */
export function choicesFor(panel: Panel, panels: readonly Panel[]): number[] {
  const values = [panel.makespan];
  const thoughts = thoughtsOn(panel, panels).map((thought) => thought.seconds);
  for (const seconds of thoughts.length > 1 ? thoughts : [0.1, 0.5, 2, 10].map((factor) => factor * panel.makespan)) {
    if (values.length < 5 && !values.some((value) => near(value, seconds, 0.1))) values.push(seconds);
  }
  return values.sort((a, b) => a - b);
}
