import type { Lane } from "./types";

/** How many times slower than it was. */
export const kSpeeds = [1, 2, 5, 10, 20, 50, 100];
const kLeastSeconds = 4; // that a replay takes as it is first offered

/** The fastest speed at which one can still follow it. */
export function easySpeed(whole: number): number {
  return kSpeeds.find((slower) => whole * slower >= kLeastSeconds) ?? kSpeeds[kSpeeds.length - 1]!;
}

/** The moments at which anything begins or ends on any lane, those that nobody could distinguish as one. */
export function momentsOf(lanes: readonly Lane[], whole: number): number[] {
  const edges = [0, whole];
  for (const lane of lanes) for (const part of lane.segments) edges.push(part.from, part.to);
  edges.sort((a, b) => a - b);
  const apart = whole / 1000;
  const moments: number[] = [];
  for (const edge of edges) {
    if (edge > whole) break;
    if (moments.length === 0 || edge - moments[moments.length - 1]! > apart) moments.push(edge);
  }
  return moments;
}

/** What a player needs of a browser, so that tests can give it a clock of their own. */
export interface Frames {
  request(call: (ms: number) => void): number;
  cancel(id: number): void;
}

/** A moment that moves through a run. Whoever draws it subscribes. */
export class Player {
  at = 0;
  slower = 1;
  playing = false;
  private moments: number[] = [0];
  private frame = 0;
  private before: number | undefined;
  private readonly listeners = new Set<() => void>();

  constructor(private readonly frames: Frames, public whole = 0, public still = false) {}

  /** Another run, at a speed that fits it. */
  load(whole: number, moments: number[], at = 0): void {
    this.frames.cancel(this.frame);
    this.playing = false;
    this.whole = whole;
    this.moments = moments;
    this.slower = easySpeed(whole);
    this.show(at);
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  show(at: number): void {
    this.at = Math.min(this.whole, Math.max(0, at));
    for (const listener of this.listeners) listener();
  }

  /** Where motion is not wanted, the whole run is there at once; it can still be stepped and scrubbed. */
  play(): void {
    if (this.playing) return;
    if (this.still) return this.show(this.whole);
    if (this.at >= this.whole) this.at = 0;
    this.playing = true;
    this.before = undefined;
    this.frame = this.frames.request(this.tick);
    this.show(this.at);
  }

  pause(): void {
    if (!this.playing) return;
    this.frames.cancel(this.frame);
    this.playing = false;
    this.show(this.at);
  }

  toggle(): void {
    if (this.playing) this.pause();
    else this.play();
  }

  scrub(at: number): void {
    this.pause();
    this.show(at);
  }

  /** To the next moment at which something changes, or to the one before. */
  step(direction: 1 | -1): void {
    this.pause();
    const apart = this.whole / 1e6;
    const next = direction > 0 ? this.moments.find((moment) => moment > this.at + apart)
                               : [...this.moments].reverse().find((moment) => moment < this.at - apart);
    this.show(next ?? (direction > 0 ? this.whole : 0));
  }

  setSpeed(slower: number): void {
    this.slower = slower;
    this.show(this.at);
  }

  // The first frame has no time before it: what passed since the key was pressed is not the run's.
  private readonly tick = (ms: number): void => {
    const passed = this.before === undefined ? 0 : (ms - this.before) / 1000;
    this.before = ms;
    const at = this.at + passed / this.slower;
    if (at >= this.whole) this.playing = false;
    else this.frame = this.frames.request(this.tick);
    this.show(at);
  };
}
