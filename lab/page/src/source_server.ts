// The lab's own page server: calls as POST, what happens as server-sent events. EventSource itself comes back after a loss and
// says which line it had last.
import { checked } from "./source";
import type { Call, Catalogue, Config, Options, PageDocument, RunCall, RunLine, Source } from "./types";

const kLines = ["header", "begin", "live", "repetition", "picture", "document", "error", "lost", "end"];

async function post<Answer>(path: string, body: unknown): Promise<Answer> {
  const reply = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  return checked(reply.status === 204 ? {} as Answer : await reply.json() as Answer);
}

/** The lines of a run from its beginning, to be read at one's own pace; ends with `end`. No number: of whichever run there is. */
async function* linesOf(run: number | undefined, signal: AbortSignal, said: (words: string) => void): AsyncGenerator<RunLine> {
  const stream = new EventSource("/api/events");
  const ready: RunLine[] = [];
  let wake = () => {};
  for (const type of kLines) {
    stream.addEventListener(type, (event) => {
      const { data, lastEventId } = event as MessageEvent<string>;
      if (run !== undefined && Number(lastEventId.split("-")[0]) !== run) return;
      ready.push({ ...JSON.parse(data) as object, type } as RunLine);
      wake();
    });
  }
  stream.onerror = () => said("The connection was lost; it resumes where it stopped.");
  stream.onopen = () => said("");
  signal.addEventListener("abort", () => wake());
  try {
    while (!signal.aborted) {
      const line = ready.shift();
      if (line) {
        yield line;
        if (line.type === "end") return;
      } else {
        await new Promise<void>((resolve) => { wake = resolve; });
      }
    }
  } finally {
    stream.close();
  }
}

export function serverSource(config: Config): Source {
  const call = <Answer>(request: Call) => post<Answer>("/api/call", request);
  const source: Source = {
    kind: "server",
    recordedNames: config.recorded ?? [],
    catalogue: () => config.catalogue ? Promise.resolve(config.catalogue) : call<Catalogue>({ call: "list" }),
    predict: (scenario: string, options: Options) => call<PageDocument>({ call: "predict", scenario, options }),
    call,
    run: async function* (request: RunCall, signal: AbortSignal): AsyncGenerator<RunLine> {
      if (config.role === "student") return yield* linesOf(undefined, signal, (words) => source.onLoss?.(words)); // watches the teacher's
      const { run } = await post<{ run: number }>("/api/run", request);
      const stop = () => void post("/api/stop", {});
      signal.addEventListener("abort", stop);
      try {
        yield* linesOf(run, signal, (words) => source.onLoss?.(words));
      } finally {
        signal.removeEventListener("abort", stop); // what has ended must not stop somebody else's run
      }
    },
    recorded: async (scenario: string) => {
      const reply = await fetch(`/api/recorded?scenario=${encodeURIComponent(scenario)}`);
      return reply.ok ? await reply.json() as PageDocument : undefined;
    },
  };
  return source;
}
