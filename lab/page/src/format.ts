// Times as people read and type them. Everything in the page is in seconds until it is printed.

/** `1.002 s`, `101 ms`, `0.31 ms`, `2 min 5 s`: three digits that count, as the lab's reports have them. */
export function formatTime(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  const size = Math.abs(seconds);
  if (size >= 90) {
    const minutes = Math.floor(size / 60);
    if (minutes >= 90) return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
    return `${minutes} min ${Math.floor(size % 60)} s`;
  }
  if (size >= 10) return `${seconds.toFixed(1)} s`;
  if (size >= 0.9995) return `${seconds.toFixed(2)} s`;
  if (size === 0) return "0 s";
  const ms = seconds * 1e3;
  return `${ms.toFixed(Math.abs(ms) >= 99.95 ? 0 : Math.abs(ms) >= 9.95 ? 1 : 2)} ms`;
}

/** A clock that stands still while it runs: the digits and the unit follow from the whole, not from the moment. */
export function clockOf(whole: number): (at: number) => string {
  if (whole < 0.01) return (at) => `${(at * 1e3).toFixed(3)} ms`;
  if (whole < 0.5) return (at) => `${(at * 1e3).toFixed(1)} ms`;
  return (at) => `${at.toFixed(whole < 20 ? 3 : 1)} s`;
}

const kUnits: Record<string, number> = { us: 1e-6, µs: 1e-6, μs: 1e-6, ms: 1e-3, s: 1, sec: 1, min: 60, h: 3600 };

/** `1.5`, `1,5 s`, `~200ms`: seconds, or undefined where it is no time. A number alone is in `unit`. */
export function parseTime(text: string, unit = "s"): number | undefined {
  const parts = /^[~≈]?\s*([0-9]+(?:[.,][0-9]*)?|[.,][0-9]+)\s*([a-zµμ]*)\s*$/.exec(text.trim().toLowerCase());
  if (!parts) return undefined;
  const factor = kUnits[parts[2] || unit];
  const value = Number(parts[1]!.replace(",", "."));
  return factor === undefined || !Number.isFinite(value) ? undefined : value * factor;
}

/** `3, 7 and 9`; of many the first ones and how many more there are. */
export function listOf(numbers: readonly number[], most = 4): string {
  if (numbers.length > most) return `${numbers.slice(0, most - 1).join(", ")} and ${numbers.length - most + 1} more`;
  if (numbers.length < 2) return numbers.join("");
  return `${numbers.slice(0, -1).join(", ")} and ${numbers[numbers.length - 1]}`;
}

export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

/** `10 times`, `1.5 times`, `twice` */
export function timesWord(factor: number): string {
  if (factor > 1.95 && factor < 2.05) return "twice";
  return `${factor >= 9.95 ? Math.round(factor) : Math.round(factor * 10) / 10} times`;
}
