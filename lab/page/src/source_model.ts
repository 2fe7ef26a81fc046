// The virtual-time model, compiled to WebAssembly, in a script of its own that is loaded when it is first asked.
import { checked, programOf } from "./source";
import type { Call, Catalogue, Config, Options, PageDocument, RunCall, Source } from "./types";

type Ask = (json: string) => Promise<string>;

declare global {
  interface Window {
    labModel?: () => Promise<{ call(json: string): string }>;
    labRecorded?: (name: string) => Promise<PageDocument>;
  }
}

const kGlue = `;self.onmessage = (event) => {
  const { id, json } = event.data;
  labModel().then((model) => self.postMessage({ id, json: model.call(json) }),
                  (reason) => self.postMessage({ id, failed: String(reason) }));
};`;

/** In a worker, so that a million requests never freeze the page; that would be the very mistake that it shows. */
function askWorker(script: string): Ask {
  const url = URL.createObjectURL(new Blob([script, kGlue], { type: "text/javascript" }));
  const worker = new Worker(url);
  const waiting = new Map<number, { resolve(json: string): void; reject(reason: Error): void }>();
  let last = 0;
  worker.onmessage = ({ data }: MessageEvent<{ id: number; json?: string; failed?: string }>) => {
    const call = waiting.get(data.id);
    waiting.delete(data.id);
    if (data.json === undefined) call?.reject(new Error(data.failed));
    else call?.resolve(data.json);
  };
  worker.onerror = (event) => {
    for (const call of waiting.values()) call.reject(new Error(event.message || "The model's worker could not be started."));
    waiting.clear();
  };
  return (json) => new Promise((resolve, reject) => {
    waiting.set(++last, { resolve, reject });
    worker.postMessage({ id: last, json });
  });
}

function loadScript(from: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = from;
    script.onload = () => resolve();
    script.onerror = () => reject(new Error("model.js is not beside the page: copy the whole folder."));
    document.head.append(script);
  });
}

const kModelScript = "model.js";
let script: Promise<void> | undefined;
const scriptHere = (): Promise<void> => (script ??= window.labModel ? Promise.resolve() : loadScript(kModelScript));

/** From file:// no script can be read as text, so there the model runs in the page itself. */
async function startModel(): Promise<Ask> {
  const block = document.getElementById("lab-model")?.textContent;
  try {
    if (block) return askWorker(new TextDecoder().decode(Uint8Array.from(atob(block), (char) => char.charCodeAt(0))));
    if (location.protocol.startsWith("http")) return askWorker(await (await fetch(kModelScript)).text());
  } catch {
    // a browser that refuses workers here still runs the script
  }
  await scriptHere();
  const model = await window.labModel!();
  return (json) => Promise.resolve(model.call(json));
}

export function modelSource(config: Config): Source {
  let asked: Promise<Ask> | undefined;
  const call = async <Answer>(request: Call): Promise<Answer> => {
    const ask = await (asked ??= startModel());
    return checked(JSON.parse(await ask(JSON.stringify(request))) as Answer);
  };
  const predict = (scenario: string, options: Options): Promise<PageDocument> => {
    const plain = Object.keys(options).length === 0;
    if (plain && config.first?.report.scenario === scenario) return Promise.resolve(config.first);
    return call<PageDocument>({ call: "predict", scenario, options });
  };
  return {
    kind: "model",
    program: programOf(config),
    recordedNames: config.recorded ?? [],
    catalogue: () => config.catalogue ? Promise.resolve(config.catalogue) : call<Catalogue>({ call: "list" }),
    predict,
    call,
    run: async function* ({ scenario, options }: RunCall) {
      yield { type: "document" as const, document: await predict(scenario, options ?? {}) };
      yield { type: "end" as const, complete: true, reason: "" };
    },
    recorded: async (scenario) => {
      if (!config.recorded?.includes(scenario)) return undefined;
      if (!window.labRecorded) await scriptHere();
      return window.labRecorded?.(scenario);
    },
  };
}
