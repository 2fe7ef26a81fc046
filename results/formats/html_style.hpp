#pragma once

namespace lab {

/// The page's looks: large enough for the last row of a classroom, dark where the reader's system is.
inline constexpr const char* kPageStyle = R"css(
:root { color-scheme: light dark; --paper: #ffffff; --card: #f6f7f9; --ink: #16191d; --soft: #5b6470;
  --rule: #d9dee5; --accent: #0b5cad; --good: #1a7f4b; --bad: #b3261e; --odd: #8a5a00;
  --unread: #f4f4f4; --unread-dot: #777777; --wait: #e8f7f1; --lock: #fff4dd; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #14171b; --card: #1d2127; --ink: #eceff3; --soft: #a3adb9; --rule: #343b45; --accent: #7db8f5;
    --good: #6fd3a0; --bad: #ff9a8f; --odd: #f0c060; --unread: #23272d; --unread-dot: #9aa3ad; --wait: #17332a; --lock: #33280f; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 18px/1.5 system-ui, -apple-system, "Segoe UI", "DejaVu Sans", sans-serif; }
main { max-width: 1180px; margin: 0 auto; padding: 2.2rem 1.6rem 4rem; }
article + article { margin-top: 4rem; border-top: 3px solid var(--rule); padding-top: 2rem; }
h1 { font-size: 1.9rem; line-height: 1.2; margin: .1em 0 .3em; }
h2 { font-size: 1.05rem; margin: 2.2rem 0 .7rem; color: var(--soft); font-weight: 600; letter-spacing: .02em; }
.name { color: var(--accent); font-weight: 600; margin: 0; }
.facts { color: var(--soft); margin: 0; }
.warning { border-left: .35rem solid var(--bad); background: var(--card); padding: .5rem .9rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { text-align: left; font-size: .85rem; font-weight: 600; color: var(--soft); border-bottom: 2px solid var(--ink); }
th, td { padding: .45rem .9rem .45rem 0; white-space: nowrap; }
td { border-bottom: 1px solid var(--rule); }
tbody tr:hover { background: var(--card); }
.right { text-align: right; }
td.main { font-size: 1.15rem; font-weight: 700; }
td.soft { color: var(--soft); }
td.wide { white-space: normal; }
.agrees { color: var(--good); font-weight: 600; }
.impossible, .slower, .faster { color: var(--bad); font-weight: 600; }
.undecided { color: var(--odd); font-weight: 600; }
figure { margin: 0; padding: 1rem; background: var(--card); border-radius: .6rem; overflow-x: auto; }
figure svg { width: 100%; min-width: 640px; height: auto; display: block; }
svg text { fill: var(--ink); font: 12px system-ui, "DejaVu Sans", sans-serif; font-variant-numeric: tabular-nums; }
svg .arm { font-weight: 700; font-size: 14px; }
svg .time { fill: var(--soft); }
svg .bound { stroke: var(--ink); stroke-width: 2; stroke-dasharray: 4 3; }
#unread rect { fill: var(--unread); }
#unread circle { fill: var(--unread-dot); }
#waiting rect { fill: var(--wait); }
#lock rect { fill: var(--lock); }
dl.told { display: grid; grid-template-columns: max-content 1fr; gap: .6rem 1.1rem; margin: 0; }
dl.told dt { font-size: .8rem; font-weight: 700; letter-spacing: .06em; color: var(--accent); padding-top: .2rem; }
dl.told dd { margin: 0; max-width: 75ch; white-space: pre-line; }
dl.told dt.warn, dl.told dt.failed { color: var(--bad); }
dl.told dd.fixed { font-family: ui-monospace, "DejaVu Sans Mono", monospace; font-size: .8rem; white-space: pre;
  overflow-x: auto; max-width: none; }
details { margin-top: 2.2rem; }
summary { cursor: pointer; color: var(--soft); font-weight: 600; }
dl.machine { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; font-size: .85rem; }
dl.machine dt { color: var(--soft); }
dl.machine dd { margin: 0; overflow-wrap: anywhere; }
@media print { body { font-size: 11pt; } figure { break-inside: avoid; } details { display: none; } }
)css";

}  // namespace lab
