import { modelSource } from "./source_model";
import { serverSource } from "./source_server";
import type { Config, Source } from "./types";

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

/** Runs that stand in the page: they can be replayed, and nothing else. */
function recordedSource(config: Config): Source {
  const documents = config.documents ?? [];
  const name = (at: number) => {
    const own = documents[at]!.report.scenario, before = documents.slice(0, at).filter((one) => one.report.scenario === own).length;
    return before > 0 ? `${own} (${before + 1})` : own;
  };
  const { states = [], steps = [], scenarios = [] } = config.catalogue ?? {};
  const catalogue = { states, steps, scenarios: scenarios.map((one, i) => ({ ...one, id: name(i), group: "In this file", options: [] })) };
  const refuse = () => Promise.reject(new Refused("This page holds what was recorded. It can be replayed, not changed."));
  return {
    kind: "recorded",
    program: programOf(config),
    recordedNames: [],
    catalogue: () => Promise.resolve(catalogue),
    predict: (scenario) => Promise.resolve(documents[catalogue.scenarios.findIndex((one) => one.id === scenario)]!),
    call: refuse,
    run: async function* () { /* nothing is run */ },
    recorded: () => Promise.resolve(undefined),
  };
}

export const programOf = (config: Config): string => config.program ?? "lab";

export function sourceOf(config: Config): Source {
  if (config.source === "server") return serverSource(config);
  if (config.source === "recorded") return recordedSource(config);
  return modelSource(config);
}
