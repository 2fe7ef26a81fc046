import { useRef } from "preact/hooks";
import { formatTime, parseTime } from "../format";
import type { Lab } from "../lab";

interface Dial { key: "requests" | "delay" | "threads" | "workers"; name: string; values: string[]; now: string }

const kRequests = ["1", "2", "5", "10", "20", "40", "41", "50", "80", "100", "200", "400", "500", "1000"];
const kDelays = ["1ms", "5ms", "10ms", "20ms", "50ms", "100ms", "200ms", "500ms", "1s", "2s", "5s", "10s"];
const kMembers = ["1", "2", "3", "4", "5", "8", "10", "16", "20", "40", "64", "100", "200"];

/** Between the usual values, in order, stands what the scenario itself says. */
function withNow(values: string[], now: string, size: (value: string) => number): string[] {
  if (values.some((value) => size(value) === size(now))) return values;
  return [...values, now].sort((a, b) => size(a) - size(b));
}

function dialsOf(lab: Lab): Dial[] {
  const { scenario, options, asks } = lab;
  const takes = (key: string) => scenario.options.includes(key);
  const dials: Dial[] = [];
  const number = (value: string) => Number(value), span = (value: string) => parseTime(value) ?? 0;
  const add = (key: Dial["key"], name: string, values: string[], written: string, size: (value: string) => number) => {
    const now = options[key] ?? written;
    dials.push({ key, name, values: withNow(values, now, size), now });
  };
  if (takes("requests")) add("requests", "Requests", kRequests, String(scenario.cases[0]?.requests ?? asks?.requests ?? 10), number);
  if (takes("delay")) add("delay", "Delay", kDelays, scenario.params.d ?? "100ms", span);
  const most = (of: "workers" | "threads") => Math.max(1, ...scenario.arms.map((arm) => arm[of] ?? 1));
  if (takes("threads")) add("threads", "Threads", kMembers, String(most("threads") > 1 ? most("threads") : 40), number);
  if (takes("workers")) add("workers", "Workers", kMembers.filter((value) => Number(value) <= 64), String(most("workers")), number);
  return dials;
}

/** Sliders over usual values. The model answers each move at once; of many moves only the last one is drawn. */
export function Settings({ lab }: { lab: Lab }) {
  const frame = useRef(0);
  const dials = dialsOf(lab);
  if (dials.length === 0) return null;
  const move = (dial: Dial, place: number) => {
    const value = dial.values[place]!;
    cancelAnimationFrame(frame.current);
    frame.current = requestAnimationFrame(() => void lab.set({ ...lab.options, [dial.key]: value }));
  };
  const words = (dial: Dial, value: string) => (dial.key === "delay" ? formatTime(parseTime(value) ?? 0) : value);
  return (
    <div class="settings" role="group" aria-label="Settings">
      {dials.map((dial) => {
        const same = (value: string) => (dial.key === "delay" ? parseTime(value) === parseTime(dial.now) : Number(value) === Number(dial.now));
        return (
          <label key={dial.key}>{dial.name}{" "}
            <input type="range" min={0} max={dial.values.length - 1} step={1} value={dial.values.findIndex(same)}
              aria-valuetext={words(dial, dial.now)} onInput={(event) => move(dial, Number(event.currentTarget.value))} />
            <output>{words(dial, dial.now)}</output>
          </label>
        );
      })}
      {Object.keys(lab.options).length > 0 && <button type="button" onClick={() => void lab.set({})}>As written</button>}
    </div>
  );
}
