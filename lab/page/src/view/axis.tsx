import { scaleLinear } from "d3-scale";
import { useEffect, useRef, useState } from "preact/hooks";

/** The time that all panels share. Before the prediction it has no figures, for the last of them is the answer. */
export function Axis({ whole, lanes, hidden }: { whole: number; lanes: number; hidden: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const watch = new ResizeObserver(([entry]) => setWidth(Math.floor(entry!.contentRect.width)));
    watch.observe(box.current!);
    return () => watch.disconnect();
  }, []);
  const unit = whole < 1 ? { by: 1e3, name: "ms" } : { by: 1, name: "s" };
  const zoom = parseFloat(getComputedStyle(document.documentElement).fontSize) / 18;
  const left = zoom * Math.max(54, 20 + String(lanes).length * 11), right = width - zoom * (width < 500 ? 76 : 92);
  const scale = scaleLinear().domain([0, whole * unit.by]).range([left, right]);
  const format = scale.tickFormat(width < 500 ? 4 : 10);
  return (
    <div class="axis" ref={box}>
      {width > 0 && (
        <svg width={width} height={28 * zoom} aria-hidden="true">
          <line x1={left} x2={right} y1={1} y2={1} />
          {!hidden && scale.ticks(width < 500 ? 4 : 10).map((tick) => (
            <g key={tick} transform={`translate(${scale(tick)},0)`}>
              <line y1={1} y2={6} />
              <text y={22 * zoom} text-anchor="middle">{format(tick)}</text>
            </g>
          ))}
          <text x={right + 24 * zoom} y={22 * zoom}>{hidden ? "time" : unit.name}</text>
        </svg>
      )}
    </div>
  );
}
