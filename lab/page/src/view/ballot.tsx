import { useEffect, useState } from "preact/hooks";
import type { PageBallot } from "../types";
import { Text } from "./text";

/** A student's phone: reads the question, and commits a guess. The server knows it by a random key, and by nothing else. */
export function Ballot() {
  const [ballot, setBallot] = useState<PageBallot>();
  const [picked, setPicked] = useState<number[]>([]), [sent, setSent] = useState("");
  const [error, setError] = useState(""), [loss, setLoss] = useState("");
  useEffect(() => {
    const stream = new EventSource("/api/ballot");
    let last = -1;
    stream.addEventListener("ballot", (event) => {
      const next = JSON.parse((event as MessageEvent<string>).data) as PageBallot;
      setBallot(next);
      setLoss("");
      if (next.vote === last) return; // what is picked and not yet committed stays
      last = next.vote;
      setPicked(next.mine ?? []);
      setSent(next.mine ? String(next.mine) : "");
      setError("");
    });
    stream.onerror = () => setLoss(stream.readyState === stream.CLOSED ? "The lab no longer knows this phone. Open the address on the projector again."
      : "The connection was lost; it comes back by itself.");
    return () => stream.close();
  }, []);
  const { vote = 0, open = false, round = 0, question = "", arms = [] } = ballot ?? {};
  const whole = arms.every((_, arm) => picked[arm] !== undefined);
  const commit = async (event: Event) => {
    event.preventDefault();
    const reply = await fetch("/api/guess", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ vote, guesses: picked }) })
      .catch(() => undefined);
    setError(reply?.ok ? "" : reply?.status === 409 ? "This vote is closed." : "The guess did not arrive. Try again.");
    if (reply?.ok) setSent(String(picked));
  };
  const status = !ballot || vote === 0 ? "The question appears here by itself." : !open ? "The vote is closed. Look at the projector."
    : sent !== "" && sent === String(picked) ? "Your guess is in. You can change it until the vote is closed." : round === 2 ? "Talk to a neighbour, and vote once more." : "";
  return (
    <>
      <header class="bar"><strong>Concurrency Lab</strong></header>
      <main class="quiz ballot">
        <h1><Text of={question || "Class vote"} /></h1>
        <form onSubmit={(event) => void commit(event)}>
          {arms.map(({ ask, choices }, arm) => (
            <fieldset key={ask} disabled={!open}>
              <legend><Text of={ask} /></legend>
              {choices.map((choice, i) => (
                <label class="check" key={choice}><input type="radio" name={`arm${arm}`} checked={picked[arm] === i}
                  onChange={() => setPicked(arms.map((_, other) => (other === arm ? i : picked[other]!)))} /> {choice}</label>
              ))}
            </fieldset>
          ))}
          {open && <button type="submit" class="main" disabled={!whole || sent === String(picked)}>Commit</button>}
        </form>
        <p role="status">{status}</p>
        {(error || loss) && <p class="warning" role="alert">{error || loss}</p>}
      </main>
    </>
  );
}
