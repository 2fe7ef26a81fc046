// A class votes, discusses, and votes again on the same question: hands that the teacher counts, and phones where `lab demo --class` lets them in.
import { formatTime, plural } from "./format";
import type { Lab } from "./lab";
import type { ClassJoin, PageVotes, Panel, VoteArm } from "./types";
import { choicesFor, isRight, near } from "./verdict";

const kMostArms = 3;
export const kRounds = ["before", "after talking to a neighbour"] as const;
export type Round = 0 | 1;

/** What is asked about an arm, and its answers in seconds; the last that is offered is another. */
export interface Asked { arm: string; case: string; ask: string; choices: number[] }

const isOf = (asked: Asked) => (panel: Panel) => panel.arm === asked.arm && panel.case === asked.case;
const namesOf = (asked: Asked): string[] => [...asked.choices.map(formatTime), "another"];
const armsOf = (all: readonly Asked[]): VoteArm[] => all.map((asked) => ({ ask: asked.ask, choices: namesOf(asked) }));
const sameAsked = (a: Asked, b: Asked | undefined): boolean =>
  b !== undefined && a.case === b.case && a.ask === b.ask && a.choices.length === b.choices.length && a.choices.every((one, i) => near(one, b.choices[i]!, 0.05));

export const askOf = (panel: Panel): string => {
  const what = panel.requests === 1 ? "when is the request answered?" : `when is the last of ${plural(panel.requests, "request")} answered?`;
  return `${panel.arm}${panel.label ? ` (${panel.label})` : ""}: ${what}`;
};

export class ClassVote {
  asked: Asked[] = [];
  private hands: number[][][] = []; // by round, arm and choice
  private votes: PageVotes | undefined; // of phones
  error = "";
  private readonly listeners = new Set<() => void>();

  constructor(private readonly lab: Lab, readonly join?: ClassJoin) {
    lab.subscribe(() => this.follow());
    if (!join) return;
    new EventSource("/api/votes").addEventListener("votes", (event) => {
      this.votes = JSON.parse((event as MessageEvent<string>).data) as PageVotes;
      this.changed();
    });
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
  private changed(): void {
    for (const listener of this.listeners) listener();
  }

  /** Another question is another vote. Once the lanes are seen there is nothing to guess, and what the class said stays. */
  private follow(): void {
    if (this.lab.committed) return;
    const { shown } = this.lab;
    const panels = shown.filter((panel, i) => shown.findIndex((other) => other.arm === panel.arm && other.case === panel.case) === i);
    const asked = panels.slice(0, kMostArms).map((panel) => ({ arm: panel.arm, case: panel.case, ask: askOf(panel), choices: choicesFor(panel, shown) }));
    if (asked.length === this.asked.length && asked.every((one, i) => sameAsked(one, this.asked[i]))) return;
    if (this.open) void this.ask(0);
    this.asked = asked;
    this.hands = [];
    this.changed();
  }

  names(arm: number): string[] {
    return namesOf(this.asked[arm]!);
  }

  /** What phones say of another question is not shown beside this one. */
  private get own(): PageVotes | undefined {
    return this.votes && JSON.stringify(this.votes.arms) === JSON.stringify(armsOf(this.asked)) ? this.votes : undefined;
  }
  get phones(): number {
    return this.votes?.phones ?? 0;
  }
  /** Rounds that phones have begun: 0 to 2. */
  get round(): number {
    return this.own?.round ?? 0;
  }
  get open(): boolean {
    return this.own?.open ?? false;
  }
  /** Phones that have voted in the present round. */
  get voted(): number {
    return this.own?.votes[this.round - 1] ?? 0;
  }

  handsOf(round: Round, arm: number, choice: number): number {
    return this.hands[round]?.[arm]?.[choice] ?? 0;
  }
  /** While phones vote, only how many have is seen: nobody shall follow the others. */
  count(round: Round, arm: number, choice: number): number {
    const hidden = this.open && this.round === round + 1;
    return this.handsOf(round, arm, choice) + (hidden ? 0 : this.own?.counts[round]?.[arm]?.[choice] ?? 0);
  }
  type(round: Round, arm: number, choice: number, text: string): void {
    ((this.hands[round] ??= [])[arm] ??= [])[choice] = Math.max(0, Math.min(999, Math.floor(Number(text)) || 0));
    this.changed();
  }

  /** The choice that came true, once the lanes are seen. */
  right(arm: number): number | undefined {
    const asked = this.asked[arm]!;
    const truth = this.lab.shown.find(isOf(asked))?.makespan;
    if (!this.lab.committed || this.lab.moved || truth === undefined) return undefined;
    const off = asked.choices.map((seconds) => Math.abs(seconds - truth));
    const nearest = off.indexOf(Math.min(...off));
    return isRight(asked.choices[nearest]!, truth) ? nearest : undefined;
  }

  /** Opens that round for the phones; 0 closes the one that is open. */
  async ask(round: 0 | 1 | 2): Promise<void> {
    const body = JSON.stringify({ round, question: this.lab.question, arms: armsOf(this.asked) });
    const reply = await fetch("/api/vote", { method: "POST", headers: { "Content-Type": "application/json" }, body }).catch(() => undefined);
    this.error = reply?.ok ? "" : `The phones were not asked: ${reply ? (await reply.text()).trim() : "the lab does not answer"}.`;
    this.changed();
  }
}
