import { clockOf } from "../format";
import type { Lab } from "../lab";
import { kSpeeds } from "../player";
import { useChanges } from "../store";

/** Play, step and scrub; all of it is on keys, too. */
export function Controls({ lab, bound, setBound }: { lab: Lab; bound: boolean; setBound(on: boolean): void }) {
  const { player } = lab;
  useChanges(player);
  const off = !lab.committed || player.whole <= 0;
  const clock = clockOf(player.whole);
  return (
    <div class="controls" role="group" aria-label="Replay">
      {lab.live && <button type="button" class="main" onClick={() => lab.stopRun()}>Stop</button>}
      <button id="play" class="play" type="button" disabled={off} onClick={() => player.toggle()} title="space">{player.playing ? "Pause" : "Play"}</button>
      <button type="button" disabled={off} onClick={() => player.scrub(0)} title="Home" aria-label="To the beginning">|◀</button>
      <button type="button" disabled={off} onClick={() => player.step(-1)} title="←" aria-label="One step back">◀</button>
      <button type="button" disabled={off} onClick={() => player.step(1)} title="→" aria-label="One step forward">▶</button>
      <input type="range" min={0} max={1000} step={1} disabled={off} aria-label="Moment" aria-valuetext={clock(player.at)}
        value={player.whole > 0 ? Math.round((player.at / player.whole) * 1000) : 0}
        onInput={(event) => player.scrub((Number(event.currentTarget.value) / 1000) * player.whole)} />
      <output>{clock(player.at)}</output>
      <label>Speed <select value={player.slower} disabled={off} onChange={(event) => player.setSpeed(Number(event.currentTarget.value))}>
        {kSpeeds.map((slower) => <option key={slower} value={slower}>{slower === 1 ? "as it was" : `1/${slower}`}</option>)}
      </select></label>
      <label class="check"><input type="checkbox" checked={bound} onChange={(event) => setBound(event.currentTarget.checked)} /> Bound</label>
    </div>
  );
}
