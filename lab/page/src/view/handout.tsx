import type { Lab } from "../lab";
import { Text } from "./text";

const kMostLanes = 12;

/** What is printed instead of the page: the question, and axes on which to draw the lanes. Nothing on it is an answer. */
export function Handout({ lab }: { lab: Lab }) {
  const { scenario, shown, question } = lab;
  return (
    <section class="handout" aria-hidden="true">
      <p class="name">Concurrency Lab · {scenario.id} <span>Name: ______________________ Date: ____________</span></p>
      <h1><Text of={question} /></h1>
      {scenario.routes.map((route) => <p key={route}>{route}</p>)}
      <p>Draw a lane for each request: ▨ it waits and holds nothing, ▢ it queues, ■ it holds the loop or a thread.</p>
      {shown.slice(0, 3).map((panel) => {
        const rows = Math.min(panel.requests, kMostLanes);
        const height = 16 * rows;
        const arm = scenario.arms.find((one) => one.id === panel.arm);
        return (
          <div class="sheet-panel" key={panel.id}>
            <h2>{panel.arm} <small>{panel.label}</small> <span>The last one is answered after: __________</span></h2>
            {arm?.code.map((line) => <code key={line}>{line}</code>)}
            <svg viewBox={`0 0 700 ${height + 26}`}>
              {Array.from({ length: rows + 1 }, (_, i) => <line key={i} x1={40} x2={690} y1={i * 16} y2={i * 16} class="row" />)}
              {Array.from({ length: rows }, (_, i) => <text key={i} x={34} y={i * 16 + 13} text-anchor="end">{i + 1 === rows ? panel.requests : i + 1}</text>)}
              {Array.from({ length: 11 }, (_, i) => <line key={i} x1={40 + 65 * i} x2={40 + 65 * i} y1={0} y2={height + 6} class={i === 0 ? "axis" : "grid"} />)}
              <text x={690} y={height + 22} text-anchor="end">time: write the scale yourself</text>
            </svg>
          </div>
        );
      })}
      <p>What does a request hold while it waits? _____________________________________________________________________</p>
    </section>
  );
}
