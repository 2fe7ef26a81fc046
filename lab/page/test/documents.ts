// Documents as the model gives them, from the stand-in.
import "./stand_in.js";
import { panelsOf, tellingPanels } from "../src/panels";
import type { Call, Catalogue, PageDocument, Panel } from "../src/types";

export async function ask<Answer>(request: Call | { call: string }): Promise<Answer> {
  const model = await (globalThis as unknown as { labModel(): Promise<{ call(json: string): string }> }).labModel();
  return JSON.parse(model.call(JSON.stringify(request))) as Answer;
}

export const catalogue = (): Promise<Catalogue> => ask<Catalogue>({ call: "list" });

export const predicted = (scenario: string, options = {}): Promise<PageDocument> => ask<PageDocument>({ call: "predict", scenario, options });

export async function panels(scenario: string, options = {}): Promise<Panel[]> {
  return panelsOf(await predicted(scenario, options));
}

export async function telling(scenario: string, options = {}): Promise<Panel[]> {
  return tellingPanels(await panels(scenario, options), (await predicted(scenario, options)).telling);
}
