// The lab's own page server: calls as POST, what happens as server-sent events. EventSource itself comes back after a loss and
// says which line it had last.
import { checked, programOf, Refused } from "./source";
import type { Call, Catalogue, Config, Options, PageDocument, RunCall, RunLine, Source } from "./types";

const kLines = ["header", "begin", "live", "repetition", "picture", "document", "error", "lost", "end"];

const kTries = 40, kBetween = 100; // milliseconds

const send = (path: string, body: unknown): Promise<Response> =>
  fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });

/** What is refused before it is read is refused in plain text. */
async function answerOf<Answer>(reply: Response): Promise<Answer> {
  if (!reply.headers.get("Content-Type")?.startsWith("application/json")) throw new Error((await reply.text()).trim());
  return checked(await reply.json() as Answer);
}

const stopRun = (): void => void send("/api/stop", {}).catch(() => {}); // what cannot be stopped is seen when the next run begins

/** The number of the run, once the one before it has ended; none where the signal was aborted meanwhile. */
async function begin(request: RunCall, signal: AbortSignal): Promise<number | undefined> {
  for (let tries = 0; tries < kTries && !signal.aborted; ++tries) {
    const reply = await send("/api/run", request);
    if (reply.status !== 409) {
      const { run } = await answerOf<{ run: number }>(reply);
      if (signal.aborted) stopRun();
      return signal.aborted ? undefined : run;
    }
    await new Promise((resolve) => setTimeout(resolve, kBetween));
  }
  if (signal.aborted) return undefined;
  throw new Refused("Another run goes on. Stop it, or wait for its end.");
}

/** The lines of a run from its beginning, to be read at one's own pace; ends with `end`. */
async function* linesOf(run: number, signal: AbortSignal, said: (words: string) => void): AsyncGenerator<RunLine> {
  const stream = new EventSource("/api/events");
  const ready: RunLine[] = [];
  let wake = () => {};
  for (const type of kLines) {
    stream.addEventListener(type, (event) => {
      const { data, lastEventId } = event as MessageEvent<string>;
      if (Number(lastEventId.split("-")[0]) !== run) return;
      ready.push({ ...JSON.parse(data) as object, type } as RunLine);
      wake();
    });
  }
  stream.onerror = () => {
    const refused = stream.readyState === stream.CLOSED; // for ever: it was answered, but not with events
    said(refused ? "" : "The connection was lost; it resumes where it stopped.");
    if (refused) wake();
  };
  stream.onopen = () => said("");
  signal.addEventListener("abort", () => wake());
  try {
    while (!signal.aborted) {
      const line = ready.shift();
      if (line) {
        yield line;
        if (line.type === "end") return;
      } else if (stream.readyState === stream.CLOSED) {
        throw new Refused("The lab no longer knows this page. Open the address that lab demo has printed.");
      } else {
        await new Promise<void>((resolve) => { wake = resolve; });
      }
    }
  } finally {
    stream.close();
  }
}

export function serverSource(config: Config): Source {
  const call = async <Answer>(request: Call) => answerOf<Answer>(await send("/api/call", request));
  const source: Source = {
    kind: "server",
    program: programOf(config),
    recordedNames: config.recorded ?? [],
    catalogue: () => config.catalogue ? Promise.resolve(config.catalogue) : call<Catalogue>({ call: "list" }),
    predict: (scenario: string, options: Options) => call<PageDocument>({ call: "predict", scenario, options }),
    call,
    run: async function* (request: RunCall, signal: AbortSignal): AsyncGenerator<RunLine> {
      const run = await begin(request, signal);
      if (run === undefined) return;
      signal.addEventListener("abort", stopRun);
      try {
        yield* linesOf(run, signal, (words) => source.onLoss?.(words));
      } finally {
        signal.removeEventListener("abort", stopRun); // what has ended must not stop somebody else's run
      }
    },
    recorded: async (scenario: string) => {
      const reply = await fetch(`/api/recorded?scenario=${encodeURIComponent(scenario)}`);
      return reply.ok ? await reply.json() as PageDocument : undefined;
    },
  };
  return source;
}
