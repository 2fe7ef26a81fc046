import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { fontOf, inkOf } from "../draw";
import { formatTime } from "../format";
import type { Lab } from "../lab";
import { stripsOf } from "../queues";
import type { Panel } from "../types";

type Points = [number, number][];

const latencies = (panel: Panel): Points => panel.lanes.filter((lane) => lane.answered)
  .map((lane): [number, number] => [lane.segments[0]?.from ?? 0, lane.end - (lane.segments[0]?.from ?? 0)])
  .sort((a, b) => a[0] - b[0]);

/** By the moment at which a turn of the loop ended: how long nothing else was seen. */
const gaps = (panel: Panel): Points => stripsOf(panel).flatMap((strip) => (strip.of === 1 ? strip.stretches : []))
  .map((turn): [number, number] => [turn.to, turn.to - turn.from]).sort((a, b) => a[0] - b[0]);

/** Requests that were sent at the same moment stand one behind another by their number. */
const byNumber = (panel: Panel): Points => panel.lanes.filter((lane) => lane.answered)
  .map((lane): [number, number] => [lane.request, lane.end - (lane.segments[0]?.from ?? 0)]);

function drawn(box: HTMLElement, series: { name: string; points: Points }[], across: string): uPlot {
  const ink = inkOf(box);
  const places = [...new Set(series.flatMap((one) => one.points.map(([x]) => x)))].sort((a, b) => a - b);
  const data = series.map(({ points }) => {
    const at = new Map(points);
    return places.map((x) => at.get(x) ?? null);
  });
  const colours = [ink.fills.loop.fill, ink.fills.pool.fill, ink.fills.waiting.line, ink.fills.reply.fill];
  const font = fontOf();
  const axis = { stroke: ink.text, font, grid: { stroke: ink.rule }, ticks: { stroke: ink.rule } };
  const time = (_: uPlot, values: number[]) => values.map((value) => formatTime(value));
  const inSeconds = across !== "request";
  return new uPlot({
    width: box.clientWidth, height: 280, legend: { show: false }, cursor: { show: false }, scales: { x: { time: false } },
    axes: [{ ...axis, size: 44, space: 110, ...(inSeconds ? { values: time } : { incrs: [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] }) }, { ...axis, size: 100, values: time }],
    series: [{}, ...series.map(({ name }, i) => ({
      label: name, stroke: colours[i % 4]!, width: 2, dash: i === 0 ? [] : [4 + 4 * i, 4], spanGaps: true,
      points: { show: true, size: 7, fill: i % 2 === 0 ? colours[i % 4]! : ink.card },
    }))],
  }, [places, ...data], box);
}

function Chart({ title, series, across, theme }: { title: string; series: { name: string; points: Points }[]; across: string; theme: string }) {
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const chart = drawn(box.current!, series, across);
    const watch = new ResizeObserver(() => chart.setSize({ width: box.current!.clientWidth, height: 280 }));
    watch.observe(box.current!);
    return () => { watch.disconnect(); chart.destroy(); };
  }, [series, theme]);
  const longest = (points: Points) => (points.length > 0 ? formatTime(Math.max(...points.map(([, y]) => y))) : "none");
  return (
    <figure>
      <figcaption>{title}</figcaption>
      <div ref={box} role="img" aria-label={`${title}. ${series.map(({ name, points }) => `${name}: at most ${longest(points)}`).join("; ")}`} />
      <ul class="key">{series.map(({ name, points }, i) => <li key={name}><span class={`swatch line${i}`} aria-hidden="true" />{name}: at most {longest(points)}</li>)}</ul>
    </figure>
  );
}

/** Latency of each request, and the gaps of each loop. */
export function Charts({ lab, theme }: { lab: Lab; theme: string }) {
  const [open, setOpen] = useState(false);
  if (!lab.committed || lab.shown.length === 0) return null;
  const burst = lab.shown.every((panel) => panel.lanes.every((lane) => (lane.segments[0]?.from ?? 0) < 0.01 * lab.player.whole));
  const across = burst ? "request" : "time";
  const of = (points: (panel: Panel) => Points) => lab.shown.map((panel) => ({ name: lab.name(panel), points: points(panel) })).filter((one) => one.points.length > 0);
  const latency = of(burst ? byNumber : latencies), gap = of(gaps);
  return (
    <details class="table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>Latency of each request, and gaps of the loops</summary>
      {open && <div class="charts">
        <Chart title={burst ? "Latency by request" : "Latency by the time at which it was sent"} series={latency} across={across} theme={theme} />
        {gap.length > 0 && <Chart title="Gaps: how long a turn of the loop lasted, by its end" series={gap} across="time" theme={theme} />}
      </div>}
    </details>
  );
}
