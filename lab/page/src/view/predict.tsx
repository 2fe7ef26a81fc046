import { useEffect, useState } from "preact/hooks";
import { parseTime } from "../format";
import type { Lab } from "../lab";
import { useChanges } from "../store";
import { Text } from "./text";
import { howFarOff, isRight, whatItSuggests } from "../verdict";
import { askOf } from "../vote";

/** Nothing is shown before a number is committed: watching teaches little, predicting does. */
export function Predict({ lab }: { lab: Lab }) {
  const [text, setText] = useState(""), [unit, setUnit] = useState("s"), [wrong, setWrong] = useState("");
  useEffect(() => { setText(""); setWrong(""); }, [lab.scenario.id]);
  const panel = lab.asks;
  if (!panel) {
    return <p class="predict">{lab.busy ? "The model computes…" : <>The model has no lanes for this one, real servers do: <code>{lab.source.program} run {lab.scenario.id}</code></>}</p>;
  }
  const commit = (event: Event) => {
    event.preventDefault();
    const seconds = parseTime(text, unit);
    if (seconds === undefined) return setWrong("Type a time, such as 1 s or 250 ms.");
    setWrong("");
    void lab.commit(seconds).then(() => document.getElementById("play")?.focus({ preventScroll: true })); // the form is gone, and the focus with it
  };
  return (
    <form class="predict" onSubmit={commit}>
      <label for="guess"><strong>{panel.arm}</strong>{askOf(panel).slice(panel.arm.length)}</label>
      <span class="entry">
        <input id="guess" type="text" inputMode="decimal" autocomplete="off" placeholder="your guess" value={text} aria-invalid={wrong !== ""}
          aria-describedby="guess-wrong" onInput={(event) => setText(event.currentTarget.value)} />
        <select aria-label="Unit" value={unit} onChange={(event) => setUnit(event.currentTarget.value)}>
          <option value="s">s</option><option value="ms">ms</option><option value="min">min</option>
        </select>
        <button type="submit" class="main">Commit and play</button>
      </span>
      <span id="guess-wrong" class="wrong" role="alert">{wrong}</span>
    </form>
  );
}

/** One sentence on the prediction, when the replay has come to its end. */
export function Verdict({ lab }: { lab: Lab }) {
  useChanges(lab.player);
  const panel = lab.asks;
  if (lab.guess === undefined) {
    const answer = lab.document?.report.remarks.find((remark) => remark.tag === "SO")?.text;
    return (
      <div class="verdict">
        <p>{answer && <strong><Text of={answer} /></strong>}</p>
        {panel && <button type="button" class="predict-first" onClick={() => lab.predictAgain()} title="P">Hide it and predict</button>}
      </div>
    );
  }
  if (!panel) return null;
  const over = lab.player.at >= Math.min(panel.end, lab.player.whole) && !lab.live;
  const said = lab.document?.report.remarks.find((remark) => remark.tag === "GUESS")?.text;
  const right = isRight(lab.guess, panel.makespan);
  if (lab.moved) {
    return (
      <div class="verdict">
        <p role="status">You predicted something else. Predict this, or go on exploring.</p>
        <button type="button" onClick={() => lab.predictAgain()} title="P">Predict again</button>
      </div>
    );
  }
  const suggestion = whatItSuggests(lab.guess, panel, lab.shown);
  return (
    <div class={`verdict ${over ? (right ? "right" : "off") : ""}`}>
      <p role="status">{over ? <><span class="mark" aria-hidden="true">{right ? "✓" : "✗"}</span>{" "}
        <Text of={said ?? howFarOff(lab.guess, panel.makespan)} /> {suggestion}</>
        : "Watch which requests wait, and for what."}</p>
      <button type="button" onClick={() => lab.predictAgain()} title="P">Predict again</button>
    </div>
  );
}
