import { formatTime } from "./format";
import { kStates, type ArmReport, type Lane, type LaneState, type PageDocument, type Panel, type PictureData, type Source } from "./types";

const kSecond = 1e9;

/** The states by the page's own names; a program that is newer may know more of them. */
function statesOf(names: readonly string[]): LaneState[] {
  return names.map((name) => (kStates as readonly string[]).includes(name) ? name as LaneState : "runnable");
}

function deathInWords(death: ArmReport["worker_deaths"][number]): string {
  const worker = `${death.of_queue ? "queue " : ""}worker ${death.worker} died at ${formatTime(death.at_s)}`;
  if (death.gave_up) return `${worker}, given up`;
  return death.back_after_s === null ? worker : `${worker}, back after ${formatTime(death.back_after_s)}`;
}

export function panelOf(picture: PictureData, arm: ArmReport | undefined, names: readonly string[]): Panel {
  const states = statesOf(names);
  const lanes: Lane[] = picture.lanes.map((lane) => ({
    request: lane.request,
    route: picture.routes[lane.route] ?? "",
    worker: lane.worker,
    answered: lane.answered,
    end: lane.end_ns / kSecond,
    segments: lane.segments.map(([from, to, state]) => ({ from: from / kSecond, to: to / kSecond, state: states[state] ?? "runnable" })),
  }));
  const end = picture.end_ns / kSecond;
  const died = arm?.worker_deaths?.filter((death) => death.repetition === arm.lanes_repetition) ?? [];
  return {
    id: `${picture.arm}/${picture.case}/${picture.engine}`,
    arm: picture.arm,
    case: picture.case,
    label: arm?.label ?? "",
    engine: picture.engine,
    mode: arm?.mode ?? "",
    workers: arm?.workers ?? 1,
    threads: arm?.threads ?? null,
    requests: picture.requests,
    bound: arm?.bound_s ?? undefined,
    formula: arm?.formula ?? undefined,
    makespan: arm?.makespan_s.median ?? arm?.predicted_s ?? end,
    end,
    cut: lanes.length > 0 && lanes.length < picture.sent,
    deaths: died.map((death) => ({ at: death.at_s, words: deathInWords(death) })),
    lanes,
    loops: picture.loops.map((loop) => ({
      worker: loop.worker,
      turns: loop.turns.map(([from, to]) => ({ from: from / kSecond, to: to / kSecond })),
    })),
    routes: picture.routes,
  };
}

/** All pictures of a document, in its order. */
export function panelsOf(document: PageDocument, states: readonly string[] = kStates): Panel[] {
  const same = (picture: PictureData) => (arm: ArmReport) =>
    arm.arm === picture.arm && arm.case === picture.case && arm.engine === picture.engine;
  return document.pictures.map((picture) => panelOf(picture, document.report.arms.find(same(picture)), states));
}

/** The panels to begin with: the arms that answer the question; else the slowest and the fastest. */
export function tellingPanels(panels: readonly Panel[], telling: PageDocument["telling"]): Panel[] {
  const is = (one: PageDocument["telling"][number]) => (panel: Panel) =>
    panel.arm === one.arm && panel.case === one.case && (one.engine === undefined || panel.engine === one.engine);
  const named = telling.map((one) => panels.find(is(one))).filter((panel): panel is Panel => panel !== undefined);
  if (named.length > 1 || panels.length < 2) return named.length > 0 ? named.slice(0, 3) : panels.slice(0, 2);
  const slowest = panels.reduce((one, other) => (other.makespan > one.makespan ? other : one));
  const fastest = panels.reduce((one, other) => (other.makespan < one.makespan ? other : one));
  return slowest === fastest ? panels.slice(0, 2) : [slowest, fastest];
}

/** Saved earlier: only a server's page shows servers that run now. */
export const isRecorded = (panel: Panel, source: Source["kind"]): boolean =>
  panel.engine === "recorded" || (panel.engine !== "model" && source !== "server");

/** `blocking-loop`, with its case and engine where there are several. */
export function nameOf(panel: Panel, all: readonly Panel[]): string {
  const cases = all.some((other) => other.case !== panel.case);
  const own = panel.engine === "model" || panel.engine === "native";
  return panel.arm + (own ? "" : ` on ${panel.engine}`) + (cases ? ` (${panel.case})` : "");
}

/** From the first request to the last reply, of all that are shown. */
export const wholeOf = (panels: readonly Panel[]): number =>
  Math.max(1e-6, ...panels.map((panel) => Math.max(panel.end, panel.bound ?? 0)));
