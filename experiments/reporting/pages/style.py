"""The style sheet of the report's page."""

STYLE = """
:root { --ink: #1d2430; --soft: #5b6675; --line: #e2e6ec; --paper: #f5f6f8; --link: #0b5cad;
  --measured: #1a7f4b; --running: #0b5cad; --interrupted: #9a6700; --diverged: #b42318;
  --not-run: #6b7585; --scaled: #6941c6; --overridden: #9a6700; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-behavior: smooth; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
header, main { max-width: 1080px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 28px; }
h1 { font-size: 1.8rem; line-height: 1.2; margin: 0 0 .3em; letter-spacing: -.01em; }
h2 { font-size: 1.25rem; line-height: 1.3; margin: 0 0 .8em; }
h3 { font-size: 1rem; margin: 1.4em 0 .2em; }
.lead { color: var(--soft); margin: 0 0 1em; max-width: 46em; overflow-wrap: anywhere; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
nav ul { list-style: none; margin: 0 0 18px; padding: 0; }
nav li { padding: 2px 0; }
.card { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 22px;
  margin: 0 0 22px; }
.card.scaled { border-left: 5px solid var(--scaled); }
.card.apart { border-left: 5px solid var(--overridden); }
.frame { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 7px 10px; border-bottom: 1px solid var(--line);
  white-space: nowrap; }
th:first-child { text-align: left; font-weight: 500; color: var(--soft); }
thead th { font-weight: 600; color: var(--ink); border-bottom: 2px solid #c9d0da; }
tr.measured td { font-weight: 650; } tr.measured th { color: var(--ink); font-weight: 650; }
td.nothing { color: #a5adb8; }
td small { display: block; color: var(--soft); font-size: .78rem; font-weight: 400; }
.prose th, .prose td { white-space: normal; text-align: left; vertical-align: top;
  overflow-wrap: anywhere; }
.prose table { font-size: .9rem; } .settings th:first-child { white-space: nowrap; }
.narrow { display: none; }
.notes { margin: .9em 0 0; padding-left: 1.2em; color: var(--soft); font-size: .92rem; }
.hint { margin: 0 0 .4em; color: var(--soft); font-size: .9rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 310px), 1fr));
  gap: 18px; margin: 20px 0 4px; }
figure { margin: 0; } figure img { width: 100%; height: auto; display: block; }
figcaption { color: var(--soft); font-size: .88rem; text-align: center; }
.badge { display: inline-block; border-radius: 99px; padding: 1px 10px; font-size: .8rem;
  font-weight: 600; color: #fff; white-space: nowrap; vertical-align: middle; }
.dot { display: inline-block; width: 10px; height: 10px; border-radius: 50%; margin-left: 5px; }
.dot:first-of-type { margin-left: 10px; }
.measured.badge, .measured.dot { background: var(--measured); }
.running { background: var(--running); } .interrupted { background: var(--interrupted); }
.diverged { background: var(--diverged); }
.badge.not-run { background: #fff; color: var(--not-run); box-shadow: inset 0 0 0 1.5px #c3cad4; }
.dot.not-run { background: #fff; box-shadow: inset 0 0 0 2px #c3cad4; }
.badge.holds { background: var(--measured); } .badge.fails { background: var(--diverged); }
.badge.cannot-tell { background: var(--interrupted); }
.verdicts th:first-child { color: var(--ink); }
.badge.scaled { background: var(--scaled); } .badge.overridden { background: var(--overridden); }
details { margin-top: 14px; border-top: 1px solid var(--line); padding-top: 10px; }
summary { cursor: pointer; color: var(--link); font-size: .95rem; }
details > * + * { margin-top: 10px; }
dt { font-weight: 600; margin-top: 10px; } dd { margin: 2px 0 0; }
pre { margin: 0; background: var(--paper); border-radius: 6px; padding: 8px 10px; font-size: .82rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
@media (max-width: 640px) {
  header, main { padding-left: 12px; padding-right: 12px; }
  .card { padding: 16px 14px; } .wide { display: none; } .narrow { display: block; }
  th, td { padding: 6px 7px; font-size: .92rem; }
  .narrow th, .narrow td { padding: 7px 3px; vertical-align: top; font-size: .88rem; }
  td small { font-size: .7rem; }
  .prose thead { display: none; } .prose tr { border-bottom: 1px solid var(--line); }
  .prose tr { display: block; padding: 6px 0; } .prose td:last-child { display: block; }
  .prose th, .prose td { display: inline-block; margin-right: 10px; }
  .prose th:first-child { color: var(--ink); font-weight: 600; }
  .prose th, .prose td { border: 0; padding: 2px 0; }
}
@media print { body { background: #fff; } .card { break-inside: avoid; } }
"""

# What the page of all tables and figures adds.
ALL_STYLE = """
html { scroll-behavior: auto; }
h2.group { font-size: 1.4rem; margin: 38px 0 14px; padding-bottom: 6px;
  border-bottom: 2px solid #c9d0da; }
h2 .title { display: block; font-weight: 400; font-size: 1rem; color: var(--soft); }
.tiles { display: grid; gap: 12px; margin: 18px 0 8px;
  grid-template-columns: repeat(auto-fit, minmax(min(100%, 230px), 1fr)); }
.tile { background: #fff; border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px;
  border-top: 4px solid var(--ink); }
.tile.scaled { border-top-color: var(--scaled); background: #fff; }
.tile.apart { border-top-color: var(--overridden); }
.tile b { display: block; } .tile i { display: block; font-style: normal; color: var(--soft);
  font-size: .85rem; margin-bottom: 6px; }
.tile .badge { margin: 2px 4px 2px 0; }
.meaning { border: 0; margin: 0 0 14px; padding: 0; } .meaning ul { padding: 0; list-style: none; }
.meaning li { padding: 3px 0; color: var(--soft); font-size: .92rem; }
.index { background: #fff; border: 1px solid var(--line); border-radius: 10px;
  padding: 6px 20px 14px; margin-top: 14px; }
.index h2 { font-size: .95rem; margin: 16px 0 4px; color: var(--soft); font-weight: 600; }
.index ul { margin: 0; }
.index li { display: flex; flex-wrap: wrap; gap: 2px 12px; justify-content: space-between;
  align-items: baseline; padding: 4px 0; border-bottom: 1px solid #f0f2f5; }
.index li > a:first-child { display: flex; gap: 0 12px; }
.index li > a span { color: var(--ink); } .index li > a b { flex: 0 0 10.5em; }
.block figure { max-width: 500px; }
.index .badge { margin: 1px 0 1px 4px; font-size: .74rem; padding: 0 8px; }
.pills { margin-left: auto; display: flex; flex-wrap: wrap; gap: 1px 10px;
  justify-content: flex-end; }
.pills span { white-space: nowrap; }
.badge.left-out { background: #47505e; }
.badge.paper { background: var(--ink); }
.block h3 { display: flex; flex-wrap: wrap; gap: 4px 8px; align-items: center; margin: 0 0 10px;
  font-weight: 400; }
.block .what { color: var(--soft); font-size: .9rem; margin-right: auto; }
.block.scaled { border-left: 5px solid var(--scaled); background: #faf8ff; padding: 14px 16px;
  margin: 22px 0 0; border-radius: 0 10px 10px 0; }
.block:not(.scaled) + .block.scaled { margin-top: 26px; }
.grid th:first-child { position: sticky; left: 0; background: #fff; max-width: 15em;
  white-space: normal; min-width: 7em; }
.scaled .grid th:first-child { background: #faf8ff; }
.grid thead th { white-space: normal; vertical-align: bottom; font-size: .85rem; }
.grid td.paper { color: var(--soft); } .grid td.setting { color: var(--ink); font-size: .9rem; }
.grid td.measured { font-weight: 650; } .grid td.difference { color: var(--soft); }
.grid td.nothing { font-weight: 400; color: #a5adb8; }
sup { line-height: 0; font-size: .72em; }
.grid td small { white-space: normal; min-width: 6em; }
.scaled figure { background: #fff; border-radius: 8px; padding: 6px; }
.run { margin-top: 14px; } .run span { color: var(--soft); font-size: .88rem; }
summary .badge { font-size: .74rem; padding: 0 8px; margin-left: 3px; }
dt .badge { font-size: .74rem; padding: 0 8px; font-weight: 600; }
@media (max-width: 640px) {
  .block.scaled { padding: 12px 10px; margin-left: -6px; margin-right: -6px; }
  .index { padding: 4px 12px 10px; } .index li > a:first-child { display: block; }
  .pills { margin-left: 0; flex-direction: column; align-items: flex-start; }
  .pills span { white-space: normal; }
  .grid th:first-child { max-width: 8.5em; min-width: 5em; font-size: .84rem; }
}
"""
