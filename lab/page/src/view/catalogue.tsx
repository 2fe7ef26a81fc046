import { useEffect, useRef } from "preact/hooks";
import type { ComponentChildren } from "preact";
import type { Lab } from "../lab";
import { isRecorded } from "../panels";
import type { Catalogue, ScenarioInfo } from "../types";

/** A dialog that the browser itself keeps the focus in, and closes on Escape. */
export function Dialog({ title, open, close, children }: { title: string; open: boolean; close(): void; children: ComponentChildren }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (open && !dialog.current!.open) dialog.current!.showModal();
    if (!open && dialog.current!.open) dialog.current!.close();
  }, [open]);
  return (
    <dialog ref={dialog} aria-label={title} onClose={close} onClick={(event) => event.target === dialog.current && close()}>
      {open && <div class="sheet">
        <header><h2>{title}</h2><button type="button" onClick={close}>Close</button></header>
        {children}
      </div>}
    </dialog>
  );
}

/** In the order of their first scenarios, which is that of the number keys. */
export function groupsOf({ scenarios }: Catalogue): [string, ScenarioInfo[]][] {
  const names = [...new Set(scenarios.map((one) => one.group))];
  return names.map((name) => [name, scenarios.filter((one) => one.group === name)]);
}

/** All scenarios by what they are about; the first nine are on the number keys. */
export function CatalogueView({ lab, pick }: { lab: Lab; pick(id: string): void }) {
  let number = 0;
  return (
    <div class="catalogue">
      {groupsOf(lab.catalogue).map(([group, scenarios]) => (
        <section key={group}>
          <h3>{group}</h3>
          <ul>
            {scenarios.map((one) => {
              const key = ++number;
              return (
                <li key={one.id}>
                  <button type="button" aria-current={one.id === lab.scenario.id} onClick={() => pick(one.id)}>
                    <strong>{one.id}</strong>{key <= 9 && <kbd>{key}</kbd>}
                    {lab.source.recordedNames.includes(one.id) && <span class="badge recorded">recorded</span>}
                    <span>{one.question}</span>
                  </button>
                </li>
              );
            })}
          </ul>
        </section>
      ))}
    </div>
  );
}

/** Which arms stand side by side, recorded ones among them. */
export function Chooser({ lab }: { lab: Lab }) {
  const cases = [...new Set(lab.all.map((panel) => panel.case))];
  const now = lab.shown[0]?.case;
  const here = lab.all.filter((panel) => panel.case === now || lab.shown.includes(panel));
  if (lab.all.length < 2) return null;
  return (
    <fieldset class="chooser">
      <legend>Side by side</legend>
      {cases.length > 1 && <label>Case <select value={now} onChange={(event) => lab.chooseCase(event.currentTarget.value)}>
        {cases.map((id) => <option key={id} value={id}>{id}</option>)}
      </select></label>}
      {lab.source.kind === "server" && <label>Servers <select value={lab.engine} onChange={(event) => { lab.engine = event.currentTarget.value; }}>
        <option value="native">the lab's own</option><option value="fastapi">real FastAPI</option>
      </select></label>}
      {here.map((panel) => {
        const recorded = isRecorded(panel, lab.source.kind);
        return (
          <label class="check" key={panel.id}>
            <input type="checkbox" checked={lab.shown.includes(panel)} onChange={(event) => lab.choose(panel.id, event.currentTarget.checked)} />
            {panel.arm}{recorded && <span class="badge recorded">recorded{panel.engine === "native" ? "" : " FastAPI"}</span>}
          </label>
        );
      })}
    </fieldset>
  );
}
