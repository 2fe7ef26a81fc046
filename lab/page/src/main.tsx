import { render } from "preact";
import { App } from "./view/app";
import { Ballot } from "./view/ballot";
import { Lab } from "./lab";
import { Player } from "./player";
import { readConfig, sourceOf } from "./source";
import { kept } from "./store";
import "./style.css";
import type { Options } from "./types";
import { ClassVote } from "./vote";

/** `#pool-limit?requests=41&delay=1s`: a scenario and its settings as an address. */
function readAddress(fallback: string): { id: string; options: Options } {
  const [id, query] = decodeURIComponent(location.hash.slice(1)).split("?");
  const options = Object.fromEntries(new URLSearchParams(query ?? "")) as Options;
  return { id: id || fallback, options };
}

async function start(): Promise<void> {
  const root = document.getElementById("app")!;
  const config = readConfig();
  if (config.role === "student") {
    root.textContent = "";
    return render(<Ballot />, root);
  }
  const source = sourceOf(config);
  const player = new Player({ request: (call) => requestAnimationFrame(call), cancel: (id) => cancelAnimationFrame(id) });
  const motion = matchMedia("(prefers-reduced-motion: reduce)");
  player.still = motion.matches;
  motion.addEventListener("change", () => { player.still = motion.matches; });

  const chosen = config.theme ?? (source.kind === "recorded" && !kept("lab-theme") && matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : undefined);
  if (chosen) document.documentElement.dataset.theme = chosen;
  if (config.slide) document.documentElement.classList.add("slide");

  const catalogue = await source.catalogue();
  const first = config.scenario ?? catalogue.scenarios[0]?.id ?? "";
  const lab = new Lab(source, catalogue, player);
  const vote = new ClassVote(lab, config.class);
  const open = () => {
    const { id, options } = readAddress(first);
    void lab.open(id, options);
  };
  addEventListener("hashchange", open);
  open();
  root.textContent = "";
  render(<App lab={lab} vote={vote} slide={config.slide ?? false} />, root);
}

if (document.documentElement.classList.contains("able")) {
  start().catch((reason: unknown) => {
    const said = document.createElement("p");
    said.className = "warning";
    said.textContent = `The page could not be started: ${reason instanceof Error ? reason.message : String(reason)}`;
    document.getElementById("app")!.prepend(said);
  });
}
