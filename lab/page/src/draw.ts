// Lanes on a canvas. Colours come from the style sheet, so a theme is one set of custom properties; each state also has
// a pattern of its own, for those who see no colours: waiting is hatched, queued outlined, held solid.
import { formatTime } from "./format";
import { stripsOf, type Strip } from "./queues";
import type { Lane, LaneState, Panel } from "./types";

export interface View {
  width: number;
  left: number; // of the time axis, beside the names of the lanes
  right: number;
  top: number; // of the lanes, below the bound's value
  area: number; // height in which lanes are seen
  lane: number; // height of one
  scroll: number;
  whole: number; // seconds from left to right
}

export interface Ink {
  text: string; soft: string; rule: string; card: string; accent: string; bad: string;
  fills: Record<LaneState, { fill: string; line: string }>;
}

export const kStripHeight = 16;
const kMostStrips = 4;
const kTextHeight = 18;

const kDrawn: LaneState[] = ["unread", "runnable", "loop", "pool", "waiting", "lock", "reply"];

export function inkOf(element: Element): Ink {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(`--${name}`).trim();
  const fills = {} as Ink["fills"];
  for (const state of ["unsent", "served", ...kDrawn] as LaneState[]) fills[state] = { fill: of(state) || "transparent", line: of(`${state}-line`) || "transparent" };
  return { text: of("ink"), soft: of("soft"), rule: of("rule"), card: of("card"), accent: of("accent"), bad: of("bad"), fills };
}

export const xOf = (view: View, at: number): number => view.left + ((view.right - view.left) * at) / view.whole;

/** A tile for each state with a pattern, at the screen's own resolution. */
function patternOf(ctx: CanvasRenderingContext2D, state: LaneState, ink: Ink, ratio: number): string | CanvasPattern {
  const { fill, line } = ink.fills[state];
  if (state !== "waiting" && state !== "lock" && state !== "pool") return fill;
  const size = Math.round(8 * ratio);
  const tile = document.createElement("canvas");
  tile.width = tile.height = size;
  const pen = tile.getContext("2d")!;
  pen.fillStyle = fill;
  pen.fillRect(0, 0, size, size);
  pen.strokeStyle = line;
  pen.lineWidth = (state === "pool" ? 1 : 1.6) * ratio;
  pen.beginPath();
  const slant = (up: boolean) => {
    for (const shift of [-size, 0, size]) {
      pen.moveTo(shift, up ? size : 0);
      pen.lineTo(shift + size, up ? 0 : size);
    }
  };
  if (state === "pool") {
    pen.moveTo(size / 2, 0);
    pen.lineTo(size / 2, size);
  } else {
    slant(true);
    if (state === "lock") slant(false);
  }
  pen.stroke();
  const pattern = ctx.createPattern(tile, "repeat")!;
  pattern.setTransform(new DOMMatrix().scale(1 / ratio));
  return pattern;
}

/** Which lanes are seen, and how many of them stand for one that is drawn where they are too thin. */
export function seenLanes(view: View, count: number): { from: number; to: number; every: number } {
  const from = Math.max(0, Math.floor(view.scroll / view.lane));
  const to = Math.min(count, Math.ceil((view.scroll + view.area) / view.lane));
  return { from, to, every: Math.max(1, Math.ceil(1 / view.lane)) };
}

/** The lanes as they are at the end. A replay shows the left part of this picture. */
export function paintLanes(ctx: CanvasRenderingContext2D, panel: Panel, view: View, ink: Ink, ratio: number): void {
  const fills = Object.fromEntries(kDrawn.map((state) => [state, patternOf(ctx, state, ink, ratio)])) as Record<LaneState, string | CanvasPattern>;
  const { from, to, every } = seenLanes(view, panel.lanes.length);
  const thin = view.lane < 5.5; // no room for an outline, so what queues is a shade, and what is held stands out
  const gap = thin ? 0 : Math.min(4, view.lane / 5);
  ctx.save();
  ctx.beginPath();
  ctx.rect(0, view.top, view.width, view.area);
  ctx.clip();
  ctx.lineWidth = 1;
  for (let at = from - (from % every); at < to; at += every) {
    const lane = panel.lanes[at]!;
    const edge = (lanes: number) => Math.round((view.top + lanes * view.lane - view.scroll) * ratio) / ratio; // whole pixels leave no seams
    const y = edge(at) + gap / 2;
    const height = Math.max(1, edge(at + every) - edge(at) - gap);
    for (const part of lane.segments) {
      if (part.state === "unsent" || part.state === "served") continue;
      const x = xOf(view, part.from);
      const width = Math.max(1, xOf(view, part.to) - x);
      const held = part.state !== "unread" && part.state !== "runnable";
      ctx.globalAlpha = thin && part.state === "unread" ? 0.3 : 1;
      ctx.fillStyle = thin && part.state === "unread" ? ink.fills.unread.line : fills[part.state];
      ctx.fillRect(x, y, thin && held ? Math.max(3, width) : width, thin && held ? Math.max(2, height) : height);
      if (thin || width < 3) continue;
      ctx.strokeStyle = ink.fills[part.state].line;
      ctx.strokeRect(x + 0.5, y + 0.5, width - 1, height - 1);
    }
  }
  ctx.restore();
}

const kFont = "'Atkinson Hyperlegible', system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', sans-serif";
export const fontOf = (weight = 400): string => `${weight} ${kTextHeight}px ${kFont}`;

/** Names left of the lanes, as many as fit, the first and the last of those that are seen among them; and when each was answered. */
export function paintNames(ctx: CanvasRenderingContext2D, panel: Panel, view: View, ink: Ink, at: number): void {
  const count = panel.lanes.length;
  const { from, to } = seenLanes(view, count);
  const half = kTextHeight / 2;
  const yOf = (i: number) => Math.min(Math.max(view.top + (i + 0.5) * view.lane - view.scroll, view.top + half - 3), view.top + view.area - half + 3);
  const last = to - 1;
  let lowest = -Infinity;
  ctx.font = fontOf();
  ctx.textBaseline = "middle";
  ctx.save();
  ctx.beginPath();
  ctx.rect(0, view.top - 4, view.width, view.area + 8);
  ctx.clip();
  for (let i = from; i < to; ++i) {
    const lane = panel.lanes[i]!, y = yOf(i);
    if (i !== last && (y < lowest + kTextHeight || y > yOf(last) - kTextHeight)) continue;
    lowest = y;
    ctx.textAlign = "right";
    ctx.fillStyle = ink.soft;
    ctx.fillText(String(lane.request), view.left - 8, y);
    if (!lane.answered || lane.end > at) continue;
    ctx.textAlign = "left";
    ctx.fillStyle = ink.text;
    ctx.strokeStyle = ink.card;
    ctx.lineWidth = 4;
    const text = formatTime(lane.end);
    const x = Math.min(xOf(view, lane.end) + 8, view.width - ctx.measureText(text).width - 2);
    ctx.strokeText(text, x, y);
    ctx.fillText(text, x, y);
  }
  ctx.restore();
}

/** A dashed line from above the lanes to below the strips, with its value. */
export function paintBound(ctx: CanvasRenderingContext2D, panel: Panel, view: View, ink: Ink, bottom: number): void {
  if (panel.bound === undefined || panel.bound > view.whole) return;
  const x = Math.round(xOf(view, panel.bound)) + 0.5;
  ctx.strokeStyle = ink.text;
  ctx.lineWidth = 2;
  ctx.setLineDash([6, 4]);
  ctx.beginPath();
  ctx.moveTo(x, view.top - 6);
  ctx.lineTo(x, bottom);
  ctx.stroke();
  ctx.setLineDash([]);
  const text = `bound ${formatTime(panel.bound)}`;
  ctx.font = fontOf(600);
  ctx.textBaseline = "middle";
  const wide = ctx.measureText(text).width;
  ctx.textAlign = "left";
  ctx.fillStyle = ink.text;
  ctx.fillText(text, Math.min(Math.max(x - wide / 2, 2), view.width - wide - 2), view.top - 16);
}

/** A line through the lanes where a worker died. */
export function paintDeaths(ctx: CanvasRenderingContext2D, panel: Panel, view: View, ink: Ink, at: number, bottom: number): void {
  ctx.fillStyle = ink.bad;
  for (const death of panel.deaths) {
    if (death.at <= at) ctx.fillRect(Math.round(xOf(view, Math.min(death.at, view.whole))) - 1, view.top - 2, 2, bottom - view.top + 2);
  }
}

export const stripsHeight = (panel: Panel): number => Math.min(kMostStrips, stripsOf(panel).length) * kStripHeight;

/** Under the lanes: when each worker's loop was held, or how many of its threads were. Half its height is half of them. */
export function paintStrips(ctx: CanvasRenderingContext2D, strips: readonly Strip[], view: View, ink: Ink, at: number, pool: boolean): void {
  const from = view.top + view.area + 6;
  ctx.textBaseline = "middle";
  ctx.font = fontOf();
  strips.slice(0, kMostStrips).forEach((strip, row) => {
    const y = from + row * kStripHeight;
    ctx.fillStyle = ink.rule;
    ctx.fillRect(view.left, y + kStripHeight - 4, view.right - view.left, 1);
    ctx.fillStyle = ink.fills[pool ? "pool" : "loop"].fill;
    for (const part of strip.stretches) {
      if (part.from >= at) break;
      const x = xOf(view, part.from);
      const height = Math.max(2, (kStripHeight - 4) * Math.min(1, part.held / strip.of));
      const width = xOf(view, Math.min(part.to, at)) - x;
      ctx.fillRect(x, y + kStripHeight - 4 - height, width > 4 ? width - 1 : Math.max(1, width), height); // a line between turns that are seen
    }
  });
  ctx.textAlign = "right";
  ctx.fillStyle = ink.soft;
  ctx.fillText(pool ? "pool" : strips.length > 1 ? "loops" : "loop", view.left - 8, from + (Math.min(kMostStrips, strips.length) * kStripHeight) / 2 - 2);
}

export function paintNow(ctx: CanvasRenderingContext2D, view: View, ink: Ink, at: number, bottom: number): void {
  const x = xOf(view, at);
  ctx.fillStyle = ink.accent;
  ctx.fillRect(x - 1, view.top - 4, 2, bottom - view.top + 4);
}

/** What a lane spent on each state, for the table beside the picture. */
export function timesOf(lane: Lane): Partial<Record<LaneState, number>> {
  const times: Partial<Record<LaneState, number>> = {};
  for (const part of lane.segments) times[part.state] = (times[part.state] ?? 0) + part.to - part.from;
  return times;
}
