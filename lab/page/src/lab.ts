// What is open, what was predicted, and what is shown: one value that every part of the page reads.
import { plural } from "./format";
import { momentsOf, type Player } from "./player";
import { isRecorded, nameOf, panelsOf, tellingPanels, wholeOf } from "./panels";
import { LiveRun } from "./live";
import type { ArmInfo, Catalogue, Options, PageDocument, Panel, ScenarioInfo, Source } from "./types";

const kMostPanels = 4;
const kRest = 150; // milliseconds after which a slider no longer moves

export class Lab {
  scenario!: ScenarioInfo;
  options: Options = {};
  document: PageDocument | undefined;
  all: Panel[] = []; // of the model or of real servers, then those recorded
  shown: Panel[] = [];
  guess: number | undefined; // seconds; until it is committed no lane is seen
  private guessed = ""; // what it was about
  shows = false; // a report shows at once, until somebody wants to predict
  busy = false;
  error = "";
  loss = "";
  live: LiveRun | undefined;
  engine = "native"; // of the servers that are run
  private recorded: PageDocument | undefined;
  private readonly listeners = new Set<() => void>();
  private asked = 0;
  private stop = new AbortController();

  constructor(readonly source: Source, readonly catalogue: Catalogue, readonly player: Player) {
    source.onLoss = (words) => {
      this.loss = words;
      this.changed();
    };
  }

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
  changed(): void {
    for (const listener of this.listeners) listener();
  }

  get committed(): boolean {
    return this.shows || this.guess !== undefined;
  }
  private get subject(): string {
    return JSON.stringify([this.options, this.asks?.arm, this.asks?.case]);
  }
  /** The prediction was about another arm or other settings than those that are shown. */
  get moved(): boolean {
    return this.guessed !== this.subject;
  }
  /** The settings with the guess, for whoever answers comments on it. */
  private get request(): Options {
    if (this.guess === undefined || !this.asks || this.moved) return this.options;
    return { ...this.options, guess: [`${this.asks.arm}=${Number(this.guess.toPrecision(6))}s`] };
  }
  /** For the arms that are shown alone; a setting that changes none of them would be refused. */
  private requestFor(arms: string[]): Options {
    const { workers, threads, ...others } = this.request;
    const some = (of: (arm: ArmInfo) => boolean) => this.scenario.arms.some((arm) => arms.includes(arm.id) && of(arm));
    return {
      ...others, arms,
      ...(workers !== undefined && some((arm) => arm.workers > 1) && { workers }),
      ...(threads !== undefined && some((arm) => arm.threads !== null) && { threads }),
    };
  }
  private get armsShown(): string[] {
    return [...new Set(this.shown.map((panel) => panel.arm))];
  }
  /** With the settings in it, as soon as it was asked with them. */
  get question(): string {
    return this.document?.report.question || this.scenario.question;
  }
  /** The panel that the prediction is about: the first, which is the slow one where a document says so. */
  get asks(): Panel | undefined {
    return this.shown[0];
  }

  /** Another scenario, with its own prediction. */
  async open(id: string, options: Options = {}): Promise<void> {
    const scenario = this.catalogue.scenarios.find((one) => one.id === id);
    if (!scenario) {
      this.error = `There is no scenario called ${id}.`;
      return this.changed();
    }
    this.stopRun();
    Object.assign(this, { scenario, options, guess: undefined, shows: this.source.kind === "recorded", document: undefined, recorded: undefined, all: [], shown: [], error: "" });
    this.player.load(0, [0]);
    await this.ask();
    if (this.source.recordedNames.includes(id)) {
      this.recorded = await this.source.recorded(id).catch(() => undefined);
      if (this.recorded && this.scenario.id === id) {
        this.all = [...this.all, ...panelsOf(this.recorded, this.catalogue.states)];
        this.changed();
      }
    }
  }

  /** Recomputes; of several questions in a row only the last one is answered. */
  private async ask(): Promise<void> {
    const mine = ++this.asked;
    this.busy = true;
    if (!this.document) this.changed();
    try {
      await this.askShown(mine);
      if (mine !== this.asked) return;
      const document = await this.source.predict(this.scenario.id, this.request);
      if (mine !== this.asked) return;
      this.error = "";
      this.take(document);
    } catch (reason) {
      if (mine !== this.asked) return;
      this.error = reason instanceof Error ? reason.message : String(reason);
    }
    this.busy = false;
    this.changed();
  }

  /** What is shown follows a slider at once; every other arm is computed when it rests. */
  private async askShown(mine: number): Promise<void> {
    const arms = this.armsShown;
    if (arms.length === 0 || arms.length >= this.scenario.arms.length) return;
    const part = await this.source.predict(this.scenario.id, this.requestFor(arms)).catch(() => undefined); // the whole answer says why
    if (!part || mine !== this.asked) return;
    const fresh = panelsOf(part, this.catalogue.states);
    const renewed = (panel: Panel) =>
      (isRecorded(panel, this.source.kind) ? undefined : fresh.find((one) => one.arm === panel.arm && one.case === panel.case)) ?? panel;
    this.all = this.all.map(renewed);
    this.show(this.shown.map(renewed));
    if (this.document) this.document = { ...this.document, report: { ...this.document.report, question: part.report.question } };
    this.error = "";
    this.changed();
    await new Promise((resolve) => setTimeout(resolve, kRest));
  }

  private take(document: PageDocument): void {
    const before = this.shown;
    this.document = document;
    this.all = [...panelsOf(document, this.catalogue.states), ...(this.recorded ? panelsOf(this.recorded, this.catalogue.states) : [])];
    const again = (old: Panel) => this.all.find((panel) => panel.id === old.id) ?? this.all.find((panel) => panel.arm === old.arm && panel.case === old.case);
    const same = before.map(again).filter((panel): panel is Panel => panel !== undefined);
    this.show(same.length > 0 ? same : tellingPanels(this.all, document.telling));
  }

  private show(panels: Panel[]): void {
    const wasAtEnd = this.player.whole > 0 ? this.player.at >= this.player.whole : this.shows;
    this.shown = panels;
    const whole = wholeOf(panels);
    this.player.load(whole, momentsOf(panels.flatMap((panel) => panel.lanes), whole), this.committed && wasAtEnd ? whole : 0);
  }

  /** Settings change what is asked. Where a prediction stands already, the lanes follow at once, whole. */
  async set(options: Options): Promise<void> {
    this.options = options;
    if (this.committed) this.player.scrub(this.player.whole);
    await this.ask();
  }

  choose(id: string, on: boolean): void {
    const without = this.shown.filter((panel) => panel.id !== id);
    const panel = this.all.find((one) => one.id === id);
    const next = on && panel ? [...without.slice(0, kMostPanels - 1), panel] : without;
    if (next.length === 0) return;
    this.show(next);
    this.changed();
  }

  /** The case of all panels at once. */
  chooseCase(id: string): void {
    const own = this.all.filter((panel) => panel.case === id);
    const arms = this.shown.map((panel) => own.find((one) => one.arm === panel.arm && one.engine === panel.engine));
    const there = arms.filter((panel): panel is Panel => panel !== undefined);
    this.show(there.length > 0 ? there : tellingPanels(own, []));
    this.changed();
  }

  async commit(seconds: number): Promise<void> {
    this.guess = seconds;
    this.guessed = this.subject;
    this.changed();
    if (this.source.kind === "server") return this.runReal();
    this.player.play(); // what it shows is known; only the comment on the guess is asked for
    const mine = this.asked;
    const document = await this.source.predict(this.scenario.id, this.request).catch(() => undefined);
    if (document && mine === this.asked) this.document = document;
    this.changed();
  }

  /** A new prediction: the lanes are hidden again. */
  predictAgain(): void {
    this.stopRun();
    this.guess = undefined;
    this.shows = false;
    this.player.scrub(0);
    this.changed();
  }

  /** Once more: real servers run again, the model is replayed. */
  async rerun(): Promise<void> {
    if (!this.committed) return;
    if (this.source.kind === "server") return this.runReal();
    this.player.scrub(0);
    this.player.play();
  }

  stopRun(): void {
    this.stop.abort();
    this.live = undefined;
    this.changed();
  }

  private async runReal(): Promise<void> {
    this.stopRun();
    this.stop = new AbortController();
    this.error = "";
    ++this.asked; // what the model has not answered yet would be drawn over the run
    this.busy = false;
    const live = new LiveRun(this.shown, this.catalogue.states);
    this.live = live;
    try {
      const request = { scenario: this.scenario.id, options: { ...this.requestFor(this.armsShown), engine: [this.engine] } };
      for await (const line of this.source.run(request, this.stop.signal)) {
        if (this.live !== live) return;
        if (line.type === "document") {
          this.take(line.document);
          this.player.show(this.player.whole);
        } else if (line.type === "error") {
          this.error = line.message;
        } else if (line.type === "lost") {
          this.loss = `${plural(line.lines, "moment")} of the run ${line.lines === 1 ? "is" : "are"} no longer kept; its picture is whole all the same.`;
        } else if (live.take(line)) {
          this.shown = live.panels;
          this.player.load(wholeOf(live.panels), [0], live.now);
        }
        this.changed();
      }
    } catch (reason) {
      if (this.live === live) this.error = reason instanceof Error ? reason.message : String(reason);
    }
    if (this.live === live) this.live = undefined;
    this.changed();
  }

  name(panel: Panel): string {
    return nameOf(panel, this.shown);
  }
}
