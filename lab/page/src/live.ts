// A run while it happens: which requests were sent and answered, until the whole picture of the repetition replaces them.
import { panelOf } from "./panels";
import type { Lane, Panel, RunLine } from "./types";

const kSecond = 1e9;

export class LiveRun {
  panels: Panel[];
  now = 0;
  private readonly lanes = new Map<number, Map<number, Lane>>(); // by repetition, then by request
  private readonly places = new Map<number, number>(); // repetition → panel

  constructor(shown: readonly Panel[], private readonly states: readonly string[]) {
    this.panels = shown.map((panel) => ({ ...panel, lanes: [], loops: [], end: 0 }));
  }

  /** True where something that is shown has changed. */
  take(line: RunLine): boolean {
    if (line.type === "begin") {
      const place = this.panels.findIndex((panel) => panel.arm === line.arm && panel.case === line.case);
      if (place < 0) return false;
      this.places.set(line.repetition, place);
      this.lanes.set(line.repetition, new Map());
      this.now = 0;
      const id = `${line.arm}/${line.case}/${line.engine}`;
      this.replace(place, { id, engine: line.engine, requests: line.requests, bound: line.bound_s ?? undefined, lanes: [], loops: [] });
      return true;
    }
    if (line.type !== "live" && line.type !== "picture") return false;
    const place = this.places.get(line.repetition);
    if (place === undefined) return false;
    if (line.type === "picture") {
      const { lanes, loops, end } = panelOf(line.picture, undefined, this.states);
      this.replace(place, { lanes, loops, end });
      return true;
    }
    this.now = line.now_ns / kSecond;
    this.grow(place, line.repetition, line);
    return true;
  }

  /** A request that was sent is in flight until its reply: what it holds meanwhile, only the server knows. */
  private grow(place: number, repetition: number, line: Extract<RunLine, { type: "live" }>): void {
    const lanes = this.lanes.get(repetition)!;
    for (const [request, at] of line.sent) {
      const from = at / kSecond;
      lanes.set(request, { request, route: "", worker: -1, answered: false, end: 0, segments: [{ from, to: this.now, state: "runnable" }] });
    }
    for (const [request, at, worker] of line.answered) {
      const lane = lanes.get(request);
      if (!lane) continue;
      Object.assign(lane, { answered: true, end: at / kSecond, worker });
      lane.segments[0]!.to = lane.end;
    }
    for (const lane of lanes.values()) if (!lane.answered) lane.segments[0]!.to = this.now;
    this.replace(place, { lanes: [...lanes.values()].sort((a, b) => a.request - b.request), end: this.now });
  }

  private replace(place: number, part: Partial<Panel>): void {
    this.panels = this.panels.map((panel, i) => (i === place ? { ...panel, ...part } : panel));
  }
}
