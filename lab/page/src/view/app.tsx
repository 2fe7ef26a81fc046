import { useEffect, useMemo, useState } from "preact/hooks";
import { Axis } from "./axis";
import { CatalogueView, Chooser, Dialog, groupsOf } from "./catalogue";
import { Charts } from "./charts";
import { Controls } from "./controls";
import { Handout } from "./handout";
import { Help, Legend } from "./help";
import { keyAction } from "../keys";
import type { Lab } from "../lab";
import { PanelView } from "./panel";
import { Predict, Verdict } from "./predict";
import { Quiz } from "./quiz";
import { Settings } from "./settings";
import { keep, useChanges } from "../store";
import { Figures, Findings, LanesTable, Machine } from "./tables";
import { Text } from "./text";
import { Vote } from "./vote";
import type { ClassVote } from "../vote";

/** To the top, so that the whole class sees the address. */
function showVote() {
  const heading = document.getElementById("vote");
  heading?.scrollIntoView();
  heading?.focus({ preventScroll: true });
}

export function App({ lab, vote, slide }: { lab: Lab; vote: ClassVote; slide: boolean }) {
  useChanges(lab);
  const [dialog, setDialog] = useState<"" | "catalogue" | "help">("");
  const [bound, setBound] = useState(true), [large, setLarge] = useState(false);
  const [theme, setTheme] = useState(document.documentElement.dataset.theme ?? "light");
  const [fonts, setFonts] = useState(false);
  useEffect(() => void document.fonts.ready.then(() => setFonts(true)), []); // a canvas does not change its letters by itself
  const order = useMemo(() => groupsOf(lab.catalogue).flatMap(([, scenarios]) => scenarios.map((one) => one.id)), [lab]);
  const pick = (id: string) => {
    setDialog("");
    location.hash = id;
  };
  const turn = () => {
    const next = theme === "dark" ? "light" : "dark";
    document.documentElement.dataset.theme = next;
    keep("lab-theme", next);
    setTheme(next);
  };

  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const action = keyAction(event);
      const inDialog = document.querySelector("dialog[open]") !== null;
      if (!action || (inDialog && action.kind !== "help")) return;
      event.preventDefault();
      const able = lab.committed;
      if (action.kind === "help") setDialog(inDialog ? "" : "help");
      else if (action.kind === "scenario") { if (order[action.number - 1]) pick(order[action.number - 1]!); }
      else if (action.kind === "bound") setBound((on) => !on);
      else if (action.kind === "full") void (document.fullscreenElement ? document.exitFullscreen() : document.documentElement.requestFullscreen());
      else if (action.kind === "predict") { lab.predictAgain(); requestAnimationFrame(() => document.getElementById("guess")?.focus()); }
      else if (!able) return;
      else if (action.kind === "toggle") lab.player.toggle();
      else if (action.kind === "step") lab.player.step(action.by);
      else if (action.kind === "home") lab.player.scrub(0);
      else if (action.kind === "rerun") void lab.rerun();
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, [lab, order]);

  const used = new Set(lab.shown.flatMap((panel) => panel.lanes.flatMap((lane) => lane.segments.map((part) => part.state as string))));
  const many = lab.shown.some((panel) => panel.lanes.length > 12);
  const recorded = lab.source.kind === "recorded";
  const stage = (
    <div class="stage">
      <h1><Text of={lab.question} /></h1>
      {lab.committed ? <Verdict lab={lab} /> : <Predict lab={lab} />}
      {(lab.error || lab.loss) && <p class="warning" role="alert">{lab.error || lab.loss}</p>}
      <div class="panels">
        {lab.shown.map((panel) => <PanelView key={panel.id} lab={lab} panel={panel} bound={bound} large={large} look={`${theme} ${fonts}`} />)}
      </div>
      {lab.shown.length > 0 && <Axis whole={lab.player.whole} hidden={!lab.committed} lanes={Math.max(...lab.shown.map((panel) => panel.requests))} />}
      {lab.shown.length > 0 && <Controls lab={lab} bound={bound} setBound={setBound} />}
      {slide && lab.committed && <Legend only={used} />}
      {slide && lab.document?.command && <p class="soft"><code>{lab.document.command}</code></p>}
    </div>
  );
  if (slide) return <main>{stage}</main>;
  return (
    <>
      <header class="bar">
        <strong class="brand">Concurrency Lab</strong>
        <button type="button" class="pick" onClick={() => setDialog("catalogue")} aria-haspopup="dialog">{lab.scenario.id} ▾</button>
        <span class="gap" />
        {vote.join && <button type="button" onClick={showVote}>Class vote</button>}
        <button type="button" class="print" onClick={() => print()}>{recorded ? "Print" : "Handout"}</button>
        <button type="button" onClick={turn} aria-pressed={theme === "dark"}>Dark</button>
        <button type="button" onClick={() => setDialog("help")} aria-label="Help" title="?">?</button>
      </header>
      <main>
        {stage}
        <div class="under">
          <Settings lab={lab} />
          {many && <label class="check"><input type="checkbox" checked={large} onChange={(event) => setLarge(event.currentTarget.checked)} /> Larger lanes</label>}
          {lab.committed && <Legend only={used} />}
        </div>
        <Chooser lab={lab} />
        <Findings lab={lab} />
        <Figures lab={lab} />
        {lab.committed && lab.shown.map((panel) => <LanesTable key={panel.id} lab={lab} panel={panel} />)}
        <Charts lab={lab} theme={theme} />
        <Machine lab={lab} />
        {!lab.shows && <Vote vote={vote} seen={lab.committed} />}
        <Quiz lab={lab} />
        {lab.scenario.sources.length > 0 && <p class="soft">{lab.scenario.id} · {lab.scenario.sources.join("; ")}</p>}
      </main>
      {!recorded && <Handout lab={lab} />}
      <Dialog title="Scenarios" open={dialog === "catalogue"} close={() => setDialog("")}><CatalogueView lab={lab} pick={pick} /></Dialog>
      <Dialog title="Help" open={dialog === "help"} close={() => setDialog("")}><Help /></Dialog>
    </>
  );
}
