import { modelSource } from "./source_model";
import { serverSource } from "./source_server";
import type { Config, PageDocument, Source } from "./types";

/** What the program that hands the page out has written into it. */
export function readConfig(): Config {
  const text = document.getElementById("lab-config")?.textContent ?? "{}";
  return JSON.parse(text) as Config;
}

/** A refusal: the line that the program would print. */
export class Refused extends Error {}

export function checked<Answer>(answer: Answer | { error: { message: string } }): Answer {
  if (answer && typeof answer === "object" && "error" in answer) throw new Refused(answer.error.message);
  return answer as Answer;
}

/** One run that stands in the page: it can be replayed, and nothing else. */
function recordedSource(config: Config, document: PageDocument): Source {
  const report = document.report;
  const info = config.catalogue?.scenarios.find((one) => one.id === report.scenario);
  const arms = [...new Set(report.arms.map((arm) => arm.arm))].map((id) => {
    const arm = report.arms.find((one) => one.arm === id)!;
    return { id, label: arm.label, mode: arm.mode, workers: arm.workers, threads: arm.threads, holds: [], code: [] };
  });
  const scenario = info ?? {
    id: report.scenario, group: "This run", question: report.question || report.scenario, sources: [], params: {}, options: [], routes: [],
    cases: [], arms,
  };
  const refuse = () => Promise.reject(new Refused("This page holds one run. It can be replayed, not changed."));
  return {
    kind: "recorded",
    recordedNames: [],
    catalogue: () => Promise.resolve({ ...(config.catalogue ?? { states: [], steps: [] }), scenarios: [{ ...scenario, options: [] }] }),
    predict: () => Promise.resolve(document),
    call: refuse,
    run: async function* () { yield { type: "document" as const, document }; },
    recorded: () => Promise.resolve(undefined),
  };
}

export function sourceOf(config: Config): Source {
  if (config.source === "server") return serverSource(config);
  if (config.source === "recorded" && config.document) return recordedSource(config, config.document);
  return modelSource(config);
}
