const kKeys: [string, string][] = [
  ["space", "play, pause"], ["← →", "one step back, one forward"], ["Home", "to the beginning"], ["1 – 9", "the first nine scenarios"],
  ["P", "predict again: hides the lanes"], ["R", "run again"], ["B", "show or hide the bound"], ["F", "full screen"], ["?", "this help"],
];
const kSigns: [string, string][] = [
  ["unread", "unread: it lies in its socket"], ["runnable", "queued: it was read, and waits for the loop, a thread or a core"],
  ["loop", "holds the loop"], ["pool", "holds a thread"], ["waiting", "waits and holds nothing"], ["lock", "waits for the GIL"], ["reply", "the reply is on its way"],
];

export function Help() {
  return (
    <>
      <h3>What the lanes show</h3>
      <Legend />
      <p>A dashed line is the bound: the shortest time that this arm could need with no overhead at all. The strip under the lanes is solid while
        the loop is held: meanwhile it can see nothing else.</p>
      <h3>Keys</h3>
      <dl class="keys">{kKeys.map(([key, what]) => <div key={key}><dt><kbd>{key}</kbd></dt><dd>{what}</dd></div>)}</dl>
      <h3>Where it comes from</h3>
      <p>“Model” is computed in virtual time: nothing was run, and no figure carries the noise of a machine. “Recorded” is a real run of real servers,
        saved earlier, and replayed as it was.</p>
    </>
  );
}

export function Legend({ only }: { only?: Set<string> }) {
  return (
    <ul class="legend">
      {kSigns.filter(([state]) => !only || only.has(state)).map(([state, words]) => (
        <li key={state}><span class={`swatch ${state}`} aria-hidden="true" />{only ? words.split(":")[0] : words}</li>
      ))}
    </ul>
  );
}
