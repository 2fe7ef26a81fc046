import { useEffect, useState } from "preact/hooks";
import { formatTime } from "../format";
import type { Lab } from "../lab";
import { choicesFor, near } from "../verdict";

type Round = number[];
const kRounds = ["before", "after talking to a neighbour"];

/** Raised hands, typed by the teacher: vote, discuss, vote again. What is right is marked once the lanes are there. */
export function Vote({ lab }: { lab: Lab }) {
  const panel = lab.asks;
  const [choices, setChoices] = useState<number[]>([]);
  const [rounds, setRounds] = useState<[Round, Round]>([[], []]);
  useEffect(() => {
    setChoices(panel ? choicesFor(panel, lab.shown) : []);
    setRounds([[], []]);
  }, [panel?.id, panel?.makespan, lab.scenario.id]);
  if (!panel || choices.length < 2) return null;
  const count = (round: 0 | 1, i: number) => rounds[round][i] ?? 0;
  const type = (round: 0 | 1, i: number, text: string) => {
    const next: [Round, Round] = [[...rounds[0]], [...rounds[1]]];
    next[round][i] = Math.max(0, Math.min(999, Math.floor(Number(text)) || 0));
    setRounds(next);
  };
  const most = Math.max(1, ...rounds[0], ...rounds[1]);
  const names = [...choices.map(formatTime), "another"];
  return (
    <section aria-labelledby="vote" class="vote">
      <h2 id="vote">Class vote</h2>
      <p>{panel.arm}: when is the last one answered? Type how many hands go up, let neighbours talk, and count again.</p>
      <div class="scroll" tabIndex={0} role="region" aria-label="Votes, scrolls">
        <table>
          <thead><tr><th scope="col">guess</th>{kRounds.map((name) => <th scope="col" key={name}>{name}</th>)}<th scope="col">both</th></tr></thead>
          <tbody>
            {names.map((name, i) => {
              const right = lab.committed && i < choices.length && near(choices[i]!, panel.makespan, 0.05);
              return (
                <tr key={name} class={right ? "right" : ""}>
                  <th scope="row">{name}{right && " ✓ right"}</th>
                  {([0, 1] as const).map((round) => <td key={round}><input type="number" min={0} max={999} inputMode="numeric"
                    aria-label={`${name}, ${kRounds[round]}`} value={count(round, i) || ""} onInput={(event) => type(round, i, event.currentTarget.value)} /></td>)}
                  <td class="bars" aria-label={`${count(0, i)} before, ${count(1, i)} after`}>
                    {([0, 1] as const).map((round) => count(round, i) > 0 && <span key={round} class={`bar${round}`} style={{ width: `${(count(round, i) / most) * 85}%` }}>
                      <span>{count(round, i)}</span></span>)}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </section>
  );
}
