import { useState } from "preact/hooks";
import { timesOf } from "../draw";
import { formatTime } from "../format";
import type { Lab } from "../lab";
import { Text, Lines } from "./text";
import type { LaneState, Panel, RunReport, TableData } from "../types";

const kMostRows = 1000;
const kWords: [LaneState, string][] = [
  ["unread", "unread"], ["runnable", "queued"], ["loop", "held the loop"], ["pool", "held a thread"],
  ["waiting", "waited, held nothing"], ["lock", "waited for the GIL"], ["reply", "reply"],
];

/** The figures of every arm: what it took, the bound, what the documents claim. */
export function Figures({ lab }: { lab: Lab }) {
  const report = lab.document?.report;
  if (!report || !lab.committed) return null;
  const predicted = report.predicted_only;
  if (!predicted || lab.source.kind === "recorded") return <Written tables={lab.document?.tables ?? []} />;
  const claims = report.arms.some((arm) => arm.documented);
  return (
    <section aria-labelledby="figures">
      <h2 id="figures">The figures</h2>
      <div class="scroll" tabIndex={0} role="region" aria-label="The figures, scrolls">
        <table>
          <thead><tr><th scope="col">arm</th><th scope="col">in FastAPI</th><th scope="col" class="number">{predicted ? "model" : "measured"}</th>
            <th scope="col" class="number">bound</th>{claims && <th scope="col">claimed</th>}<th scope="col">why that bound</th></tr></thead>
          <tbody>
            {report.arms.map((arm) => (
              <tr key={`${arm.arm}/${arm.case}/${arm.engine}`}>
                <th scope="row">{arm.arm}{report.arms.some((other) => other.case !== arm.case) && ` (${arm.case})`}</th>
                <td>{arm.label}</td>
                <td class="number"><strong>{arm.not_run ? "not run" : formatTime(arm.makespan_s.median ?? arm.predicted_s ?? NaN)}</strong></td>
                <td class="number">{formatTime(arm.bound_s ?? NaN)}</td>
                {claims && <td>{arm.documented ?? "–"}</td>}
                <td>{arm.not_run ?? arm.formula ?? ""}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

/** The tables of the lab's own reports. */
function Written({ tables }: { tables: TableData[] }) {
  if (tables.length === 0) return null;
  return (
    <section aria-labelledby="figures">
      <h2 id="figures">The figures</h2>
      {tables.map(({ headings, right, claimed, rows }, number) => (
        <div class="scroll" tabIndex={0} role="region" aria-label={`${headings[0]}, scrolls`} key={number}>
          <table>
            <thead><tr>{headings.map((heading, i) => <th scope="col" key={i} class={right[i] ? "number" : ""}>{heading}</th>)}</tr></thead>
            <tbody>
              {rows.map(({ cells, rest, verdict }, row) => (
                <tr key={row}>
                  {cells.map((cell, i) => (i === 0 ? <th scope="row" key={i}>{cell}</th> : <td key={i} class={`${right[i] ? "number" : ""} ${i === claimed ? verdict : ""}`}>{cell}</td>))}
                  {cells.length < headings.length && <td colSpan={headings.length - cells.length}>{rest}</td>}
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ))}
    </section>
  );
}

/** The machine and the settings behind the figures. */
export function Machine({ lab }: { lab: Lab }) {
  const report = lab.document?.report;
  if (!report || report.predicted_only || !lab.committed) return null;
  const known: RunReport["environment"] = { ...report.environment, seed: report.seed };
  const rows = Object.entries(known).filter(([, value]) => value !== null && value !== "");
  return (
    <details class="table">
      <summary>What it ran on</summary>
      <dl class="notes">{rows.map(([key, value]) => <div key={key}><dt>{key}</dt><dd>{value}</dd></div>)}</dl>
      {lab.document!.command && <p><code>{lab.document!.command}</code></p>}
    </details>
  );
}

const kTags: Record<string, string> = { SO: "Answer", WHY: "Why", LOG: "The claim", NOTE: "Note", WARN: "Careful", CHECK: "Check", GUESS: "Your guess", NEXT: "Next" };
const kFixed = ["LOOP", "PATH", "TAIL"];

/** What the lab found, in its words. */
export function Findings({ lab }: { lab: Lab }) {
  const report = lab.document?.report;
  if (!report || !lab.committed) return null;
  const order = ["SO", "GUESS", "WHY"];
  const rank = (tag: string) => (order.includes(tag) ? order.indexOf(tag) : order.length);
  const remarks = [...report.remarks].sort((a, b) => rank(a.tag) - rank(b.tag));
  return (
    <section aria-labelledby="findings">
      <h2 id="findings">What it says</h2>
      {!report.complete && <p class="warning">Incomplete: {report.complete_reason}</p>}
      {report.changes && <p class="soft">Changed: {report.changes}</p>}
      <dl class="notes">
        {remarks.map((remark, i) => (
          <div key={i} class={remark.failed ? "failed" : remark.tag.toLowerCase()}>
            <dt>{kTags[remark.tag] ?? remark.tag}</dt>
            <dd class={kFixed.includes(remark.tag) ? "fixed" : ""}><Lines of={remark.text} /></dd>
          </div>
        ))}
      </dl>
      {report.path && <p>Saved as any other run: <code>{lab.source.program} report {report.path}</code></p>}
      <Code lab={lab} />
    </section>
  );
}

/** What each arm is in Python, and what it holds. */
function Code({ lab }: { lab: Lab }) {
  const arms = lab.scenario.arms.filter((arm) => lab.shown.some((panel) => panel.arm === arm.id) && arm.code.length + arm.holds.length > 0);
  if (arms.length === 0) return null;
  return (
    <dl class="notes">
      {arms.map((arm) => (
        <div key={arm.id}>
          <dt>{arm.id}</dt>
          <dd>{arm.holds.map((held) => <span class="line" key={held}>holds <Text of={held} /></span>)}{arm.code.map((line) => <code class="line" key={line}>{line}</code>)}</dd>
        </div>
      ))}
    </dl>
  );
}

/** The lanes as a table, for everyone who does not see the picture. Its rows are made when it is opened. */
export function LanesTable({ lab, panel }: { lab: Lab; panel: Panel }) {
  const [open, setOpen] = useState(false);
  const used = kWords.filter(([state]) => panel.lanes.some((lane) => lane.segments.some((part) => part.state === state)));
  const several = panel.routes.length > 1;
  return (
    <details class="table" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary>The lanes of {lab.name(panel)} as a table</summary>
      {open && <div class="scroll" tabIndex={0} role="region" aria-label={`Table of ${lab.name(panel)}, scrolls`}>
        <table>
          <thead><tr><th scope="col">request</th>{several && <th scope="col">route</th>}<th scope="col" class="number">sent at</th>
            {used.map(([state, word]) => <th scope="col" class="number" key={state}>{word}</th>)}<th scope="col" class="number">answered at</th></tr></thead>
          <tbody>
            {panel.lanes.slice(0, kMostRows).map((lane) => {
              const times = timesOf(lane);
              return (
                <tr key={lane.request}>
                  <th scope="row">{lane.request}</th>{several && <td>{lane.route}</td>}
                  <td class="number">{formatTime(lane.segments[0]?.from ?? 0)}</td>
                  {used.map(([state]) => <td class="number" key={state}>{times[state] ? formatTime(times[state]) : "–"}</td>)}
                  <td class="number">{lane.answered ? formatTime(lane.end) : "no reply"}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>}
    </details>
  );
}
