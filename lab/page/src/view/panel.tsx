import { useEffect, useRef, useState } from "preact/hooks";
import { fontOf, inkOf, kStripHeight, paintBound, paintDeaths, paintLanes, paintNames, paintNow, paintStrips, type View } from "../draw";
import { formatTime, listOf, plural, timesWord } from "../format";
import type { Lab } from "../lab";
import { isRecorded } from "../panels";
import { gapInWords, heldBy, setsAt, stepInWords, stripsOf } from "../queues";
import { useChanges } from "../store";
import type { Panel } from "../types";

const kTop = 28; // for the bound's value
const kLarge = 14, kThick = 26; // pixels of a lane that is looked at closely, and of the fattest one

/** How much larger than on a page text is, such as on a slide: its pictures are drawn in the page's measures. */
const zoomOf = (): number => parseFloat(getComputedStyle(document.documentElement).fontSize) / 18;

interface Shown { lab: Lab; panel: Panel; bound: boolean; large: boolean; look: string }

function viewOf(panel: Panel, width: number, height: number, strips: number, whole: number, large: boolean, scroll: number): View {
  const area = Math.max(20, height - kTop - strips * kStripHeight - 8);
  const even = area / Math.max(1, panel.lanes.length);
  const digits = String(panel.lanes[panel.lanes.length - 1]?.request ?? 0).length;
  const lane = Math.min(kThick, large ? Math.max(kLarge, even) : even);
  return { width, left: Math.max(54, 20 + digits * 11), right: width - (width < 500 ? 76 : 92), top: kTop, area, lane, scroll, whole };
}

/** The lanes of one arm. A picture of the whole is painted once, and each frame of the replay shows more of it. */
export function Lanes({ lab, panel, bound, large, look }: Shown) {
  const box = useRef<HTMLDivElement>(null), canvas = useRef<HTMLCanvasElement>(null), painting = useRef<HTMLCanvasElement>();
  const [size, setSize] = useState({ width: 0, height: 0 });
  const [scroll, setScroll] = useState(0);
  const strips = stripsOf(panel);
  const { player, committed } = lab;
  const view = viewOf(panel, size.width, size.height, Math.min(4, strips.length), player.whole, large, scroll);
  const total = view.lane * panel.lanes.length;
  const scrolls = total > view.area + 1;

  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => {
      const { width, height } = entry!.contentRect;
      setSize({ width: Math.floor(width / zoomOf()), height: Math.floor(height / zoomOf()) });
    });
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);

  useEffect(() => {
    if (size.width === 0) return;
    const ratio = (window.devicePixelRatio || 1) * zoomOf(), ink = inkOf(box.current!);
    const screen = canvas.current!, whole = (painting.current ??= document.createElement("canvas"));
    for (const one of [screen, whole]) {
      if (one.width !== Math.floor(size.width * ratio)) one.width = size.width * ratio;
      if (one.height !== Math.floor(size.height * ratio)) one.height = size.height * ratio;
    }
    const pen = screen.getContext("2d")!, behind = whole.getContext("2d")!;
    behind.setTransform(ratio, 0, 0, ratio, 0, 0);
    behind.clearRect(0, 0, size.width, size.height);
    if (committed) paintLanes(behind, panel, view, ink, ratio);
    const bottom = view.top + view.area;
    const draw = () => {
      const at = committed ? player.at : 0;
      pen.setTransform(1, 0, 0, 1, 0, 0);
      pen.clearRect(0, 0, screen.width, screen.height);
      const seen = Math.ceil((view.left + ((view.right - view.left) * at) / view.whole) * ratio);
      if (committed && at > 0) {
        const shown = at >= player.whole ? screen.width : seen;
        pen.drawImage(whole, 0, 0, shown, screen.height, 0, 0, shown, screen.height);
      }
      pen.scale(ratio, ratio);
      pen.font = fontOf();
      if (committed) paintStrips(pen, strips, view, ink, at, heldBy(panel) === "thread");
      paintNames(pen, panel, view, ink, committed ? at : -1);
      if (committed) paintDeaths(pen, panel, view, ink, at, bottom);
      if (committed && bound) paintBound(pen, panel, view, ink, bottom);
      if (committed && at < player.whole) paintNow(pen, view, ink, at, bottom);
    };
    draw();
    return player.subscribe(draw);
  }, [panel, size, view.scroll, view.lane, view.whole, bound, committed, look]);

  const label = committed
    ? `${lab.name(panel)}: ${panel.lanes.length} requests over time, the last answered after ${formatTime(panel.end)}. A table of them is below.`
    : `${lab.name(panel)}: the lanes are hidden until you predict.`;
  return (
    <div class="lanes" ref={box}>
      <canvas ref={canvas} role="img" aria-label={label} />
      {scrolls && (
        <div class="scroller" tabIndex={0} role="region" aria-label={`Lanes of ${lab.name(panel)}, scrolls`}
          style={{ top: `${view.top / 18}rem`, height: `${view.area / 18}rem` }} onScroll={(event) => setScroll(event.currentTarget.scrollTop / zoomOf())}>
          <div style={{ height: `${total / 18}rem` }} />
        </div>
      )}
      {!committed && <p class="hidden-lanes">Predict first, then the lanes appear.</p>}
    </div>
  );
}

const chips = (ids: readonly number[]): string => (ids.length === 0 ? "–" : listOf(ids, 6));

/** Ready, waiting and running at the moment that the replay shows, and what that means. */
export function Queues({ lab, panel }: { lab: Lab; panel: Panel }) {
  useChanges(lab.player);
  if (!lab.committed) return <div class="queues" />;
  const sets = setsAt(panel, lab.player.at);
  const ready = [...sets.unread, ...sets.queued].sort((a, b) => a - b);
  return (
    <div class="queues">
      <span class="step">{stepInWords(panel, lab.player.at, sets)}</span>
      <dl>
        <div><dt>Ready</dt><dd>{chips(ready)}</dd></div>
        <div><dt>Running</dt><dd>{chips(sets.running)}</dd></div>
        <div><dt>Waiting</dt><dd>{chips([...sets.waiting, ...sets.locked])}</dd></div>
      </dl>
    </div>
  );
}

const kEngines: Record<string, string> = {
  model: "model", native: "real servers", fastapi: "real FastAPI", recorded: "recorded: real FastAPI",
};

export function PanelView(props: Shown) {
  const { lab, panel } = props;
  const recorded = isRecorded(panel, lab.source.kind);
  const engine = kEngines[panel.engine] ?? panel.engine;
  const source = recorded && !engine.startsWith("recorded") ? `recorded: ${engine}` : engine;
  return (
    <section class="panel" aria-label={lab.name(panel)}>
      <header>
        <h2>{panel.arm}{lab.shown.some((other) => other.case !== panel.case) ? ` (${panel.case})` : ""}</h2>
        <span class="soft">{panel.label}</span>
        <span class={`badge ${recorded ? "recorded" : panel.engine}`}>{source}</span>
        {lab.committed && panel.cut && <span class="soft">the first {panel.lanes.length.toLocaleString("en")} of {plural(panel.requests, "request")}</span>}
        {lab.committed && panel.deaths.map(({ words }) => <span class="died" key={words}>✗ {words}</span>)}
        {lab.committed && <Ending lab={lab} panel={panel} />}
      </header>
      <Lanes {...props} />
      <Queues lab={lab} panel={panel} />
    </section>
  );
}

/** How long it took, once the replay is there; what the loop did meanwhile. */
function Ending({ lab, panel }: { lab: Lab; panel: Panel }) {
  useChanges(lab.player);
  if (lab.player.at < panel.end) return null;
  const fastest = Math.min(...lab.shown.map((other) => other.makespan));
  const times = lab.player.at >= lab.player.whole && panel.makespan > 1.5 * fastest ? `${timesWord(panel.makespan / fastest)} as long` : "";
  return <span class="ending"><span class="soft gap">{gapInWords(panel)}</span> {times && <em>{times}</em>} <strong>{formatTime(panel.makespan)}</strong></span>;
}
