/** A text of the lab: what it has between backticks is code. Always text, never markup. */
export function Text({ of }: { of: string }) {
  return <>{of.split("`").map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part))}</>;
}

/** The text of the page's own commands is `lab run …`; on a page without the program it stays a hint. */
export function Lines({ of }: { of: string }) {
  return <>{of.split("\n").map((line, i) => <span key={i}>{i > 0 && <br />}<Text of={line} /></span>)}</>;
}
