import { plural } from "../format";
import { useChanges } from "../store";
import type { ClassJoin } from "../types";
import { kRounds, type ClassVote } from "../vote";

const kBoth = [0, 1] as const;
const kMargin = 4; // squares that must stay white

/** Where students vote: it stays dark on white in both themes, as cameras expect it. */
function Join({ join }: { join: ClassJoin }) {
  const { address, code } = join;
  const squares = code?.flatMap((row, y) => [...row].map((square, x) => (square === "1" ? `M${x} ${y}h1v1h-1z` : ""))).join("");
  const side = (code?.length ?? 0) + 2 * kMargin;
  return (
    <>
      {code && <svg class="code" viewBox={`${-kMargin} ${-kMargin} ${side} ${side}`} role="img" aria-label={`QR code of ${address}`} shape-rendering="crispEdges">
        <path d={squares} />
      </svg>}
      <p class="address">{address}</p>
    </>
  );
}

/** Vote, discuss, vote again, with phones. */
function Phones({ vote, join, seen }: { vote: ClassVote; join: ClassJoin; seen: boolean }) {
  const { open, round } = vote;
  const ask = (next: 0 | 1 | 2, words: string, main = true) =>
    <button type="button" class={main ? "main" : ""} disabled={seen && next > 0} onClick={() => void vote.ask(next)}>{words}</button>;
  return (
    <div class="join">
      <Join join={join} />
      <p role="status">{open ? `${vote.voted} of ${plural(vote.phones, "phone")} voted` : `${plural(vote.phones, "phone")} joined`}</p>
      <p>{open ? ask(0, "Close the vote") : round === 1 ? ask(2, "Vote again") : round === 0 && ask(1, "Ask the phones")}{" "}
        {!open && round > 0 && ask(1, "Start over", false)}</p>
      {vote.error && <p class="wrong" role="alert">{vote.error}</p>}
    </div>
  );
}

/** Votes of phones, and raised hands that the teacher types. What is right is marked once the lanes are there. */
export function Vote({ vote, seen }: { vote: ClassVote; seen: boolean }) {
  useChanges(vote);
  const { asked, join } = vote;
  if (asked.length === 0) return null;
  const arms = asked.map((_, arm) => vote.names(arm).map((_, i) => kBoth.map((round) => vote.count(round, arm, i))));
  const most = Math.max(1, ...arms.flat(2));
  return (
    <section aria-labelledby="vote" class="vote">
      <h2 id="vote" tabIndex={-1}>Class vote</h2>
      <p>{join ? "Phones vote at this address; type how many hands go up besides." : "Type how many hands go up, let neighbours talk, and count again."}</p>
      {join && <Phones vote={vote} join={join} seen={seen} />}
      <div class="scroll" tabIndex={0} role="region" aria-label="Votes, scrolls">
        {asked.map(({ ask }, arm) => (
          <table key={ask}>
            <caption>{ask}</caption>
            <thead><tr><th scope="col">guess</th>{kRounds.map((name) => <th scope="col" key={name}>{name}</th>)}<th scope="col">both</th></tr></thead>
            <tbody>
              {vote.names(arm).map((name, i) => {
                const right = vote.right(arm) === i, counts = arms[arm]![i]!;
                return (
                  <tr key={name} class={right ? "right" : ""}>
                    <th scope="row">{name}{right && " ✓ right"}</th>
                    {kBoth.map((round) => <td key={round}><input type="number" min={0} max={999} inputMode="numeric"
                      aria-label={`${asked[arm]!.arm}: ${name}, ${kRounds[round]}`} value={vote.handsOf(round, arm, i) || ""}
                      onInput={(event) => vote.type(round, arm, i, event.currentTarget.value)} /></td>)}
                    <td class="bars" aria-label={`${counts[0]} before, ${counts[1]} after`}>
                      {kBoth.map((round) => counts[round]! > 0 && <span key={round} class={`bar${round}`} style={{ width: `${(counts[round]! / most) * 85}%` }}>
                        <span>{counts[round]}</span></span>)}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        ))}
      </div>
    </section>
  );
}
