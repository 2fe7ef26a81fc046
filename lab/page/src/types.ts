// What the page asks and what it is answered: README.md beside this folder says it in full. Of the documents stand here
// the keys that the page reads.

export interface Catalogue {
  states: string[];
  steps: string[];
  scenarios: ScenarioInfo[];
}

export interface ScenarioInfo {
  id: string;
  group: string;
  question: string;
  sources: string[];
  params: Record<string, string>;
  options: string[];
  routes: string[];
  cases: { id: string; requests: number; loads: string[] }[];
  arms: ArmInfo[];
  next?: string;
}

export interface ArmInfo {
  id: string;
  label: string;
  mode: string;
  workers: number;
  threads: number | null;
  holds: string[];
  code: string[];
  documented?: string | null;
}

export interface Figure { median: number | null; low: number | null; high: number | null }

export interface ArmReport {
  arm: string;
  case: string;
  label: string;
  engine: string;
  mode: string;
  workers: number;
  threads: number | null;
  requests: number;
  bound_s: number | null;
  predicted_s: number | null;
  documented: string | null;
  makespan_s: Figure;
  latency_s: { min: number | null; median: number | null; max: number | null };
  formula: string | null;
  findings: { id: string; text: string }[];
  not_run: string | null;
  lanes_repetition: number | null;
  worker_deaths: { repetition: number; worker: number; of_queue: boolean; at_s: number; back_after_s: number | null; gave_up: boolean }[];
}

export interface RunReport {
  scenario: string;
  question: string;
  complete: boolean;
  complete_reason: string | null;
  predicted_only: boolean;
  path: string | null;
  changes: string | null;
  arms: ArmReport[];
  checks: { text: string; passed: boolean; decided: boolean; detail: string }[];
  remarks: { tag: string; text: string; failed?: boolean }[];
  seed: number;
  environment: Record<string, string | number | null>;
}

/** One repetition of one arm, times in nanoseconds. */
export interface PictureData {
  arm: string;
  case: string;
  engine: string;
  requests: number;
  sent: number;
  end_ns: number;
  routes: string[];
  lanes: { request: number; route: number; worker: number; answered: boolean; end_ns: number; segments: [number, number, number][] }[];
  loops: { worker: number; turns: [number, number][]; steps: [number, number, number][] }[];
}

/** A table of the lab's reports: its cells are written already. `verdict` is of a row's claim, in that column. */
export interface TableData { headings: string[]; right: boolean[]; claimed: number; rows: { cells: string[]; rest: string; verdict: string }[] }

export interface PageDocument {
  report: RunReport;
  telling: { arm: string; case: string; engine?: string }[];
  pictures: PictureData[];
  tables: TableData[];
  command: string; // that makes such a run again, or empty
}

export interface Options {
  requests?: string;
  delay?: string;
  workers?: string;
  threads?: string;
  set?: string[];
  arms?: string[];
  case?: string[];
  guess?: string[];
  engine?: string[];
}

export type Call =
  | { call: "list" }
  | { call: "predict"; scenario: string; options?: Options }
  | { call: "quiz"; scenario?: string; seed?: number; count?: number }
  | { call: "grade"; scenario?: string; seed?: number; count?: number; answers: Record<string, string> };

export interface RunCall { scenario: string; options?: Options }

export interface QuizQuestion { id: string; text: string; context?: string[]; choices?: string[]; unit?: "duration" | "number" }
export interface QuizResult { id: string; right: boolean; answer: string; misconception?: string | null; why?: string | null; proof?: string | null }

/** A line of a run, as it happens. */
export type RunLine =
  | { type: "header" }
  | { type: "begin"; repetition: number; arm: string; case: string; engine: string; number: number; requests: number; predicted_s: number | null; bound_s: number | null }
  | { type: "live"; repetition: number; now_ns: number; sent: [number, number, number][]; answered: [number, number, number][] }
  | { type: "repetition"; repetition: number }
  | { type: "picture"; repetition: number; picture: PictureData }
  | { type: "document"; document: PageDocument }
  | { type: "error"; exit: number; message: string }
  | { type: "lost"; lines: number }
  | { type: "end"; complete: boolean; reason: string };

/** Where students vote: the address, and the squares of its QR code, a row after the other. */
export interface ClassJoin { address: string; code?: string[] }
export interface VoteArm { ask: string; choices: string[] }
/** What a phone shows; `mine`: its own guess, a choice for each arm. */
export interface PageBallot { vote: number; round: number; open: boolean; question: string; arms: VoteArm[]; mine: number[] | null }
/** What phones have said: `votes` by round, `counts` by round, arm and choice. */
export interface PageVotes { phones: number; round: number; open: boolean; arms: VoteArm[]; votes: number[]; counts: number[][][] }

export interface Config {
  source?: "server" | "model" | "recorded";
  role?: "teacher" | "student";
  class?: ClassJoin;
  scenario?: string;
  catalogue?: Catalogue;
  first?: PageDocument;
  recorded?: string[];
  documents?: PageDocument[];
  program?: string; // as the reader starts it: `lab`, `./labw`
  theme?: "light" | "dark";
  slide?: boolean; // the picture and what explains it, nothing else
}

/** Whoever answers: real servers, the model, or a recording. */
export interface Source {
  kind: "server" | "model" | "recorded";
  catalogue(): Promise<Catalogue>;
  predict(scenario: string, options: Options): Promise<PageDocument>;
  call<Answer>(request: Call): Promise<Answer>;
  run(request: RunCall, signal: AbortSignal): AsyncIterable<RunLine>;
  /** The program, as the reader starts it. */
  program: string;
  /** The committed recording of real FastAPI, where there is one. */
  recorded(scenario: string): Promise<PageDocument | undefined>;
  recordedNames: readonly string[];
  /** Is given words when the connection is lost, and none when it is there again. */
  onLoss?: (words: string) => void;
}

// ---- what the panels draw, times in seconds

export const kStates = ["unsent", "unread", "runnable", "loop", "pool", "waiting", "lock", "reply", "served"] as const;
export type LaneState = (typeof kStates)[number];

export interface Segment { from: number; to: number; state: LaneState }
export interface Lane { request: number; route: string; worker: number; answered: boolean; end: number; segments: Segment[] }
export interface Loop { worker: number; turns: { from: number; to: number }[] }

export interface Panel extends Pick<ArmReport, "arm" | "case" | "label" | "engine" | "mode" | "workers" | "threads" | "requests"> {
  id: string; // arm, case and engine: what distinguishes panels
  bound: number | undefined;
  formula: string | undefined;
  makespan: number; // median of the run, or the model's
  end: number; // of this repetition
  cut: boolean; // only the first of its requests have lanes
  deaths: { at: number; words: string }[]; // of its workers
  lanes: Lane[];
  loops: Loop[];
  routes: string[];
}
