// Keys of the page. A field, a list or a button that has the focus keeps those that it needs itself.

export type Action =
  | { kind: "toggle" | "home" | "predict" | "rerun" | "bound" | "full" | "help" }
  | { kind: "step"; by: 1 | -1 }
  | { kind: "scenario"; number: number };

interface Pressed {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  target: unknown;
}

const kWords: Record<string, Action> = {
  " ": { kind: "toggle" }, Home: { kind: "home" }, ArrowLeft: { kind: "step", by: -1 }, ArrowRight: { kind: "step", by: 1 },
  p: { kind: "predict" }, r: { kind: "rerun" }, b: { kind: "bound" }, f: { kind: "full" }, "?": { kind: "help" },
};

/** Which keys an element keeps: a text field all of them, a button the space bar, sliders and lists those that move them. */
function keeps(target: unknown, key: string): boolean {
  const { tagName, type, isContentEditable } = (target ?? {}) as { tagName?: string; type?: string; isContentEditable?: boolean };
  if (isContentEditable || tagName === "TEXTAREA" || (tagName === "INPUT" && !["range", "checkbox", "radio"].includes(type ?? ""))) return true;
  const moves = key.startsWith("Arrow") || key === "Home";
  if (tagName === "SELECT" || (tagName === "INPUT" && type === "radio")) return moves || key === " " || key.length === 1;
  if (tagName === "INPUT" && type === "range") return moves;
  return key === " " && ["BUTTON", "SUMMARY", "INPUT", "A"].includes(tagName ?? "");
}

export function keyAction(event: Pressed): Action | undefined {
  if (event.ctrlKey || event.metaKey || event.altKey || keeps(event.target, event.key)) return undefined;
  if (/^[1-9]$/.test(event.key)) return { kind: "scenario", number: Number(event.key) };
  return kWords[event.key.length === 1 ? event.key.toLowerCase() : event.key];
}
