"""The style sheet and the script of the report's page."""

STYLE = """
:root { --ink: #1d2430; --soft: #5b6675; --line: #e2e6ec; --page: #f5f6f8; --card: #fff;
  --scaled-card: #f8f6fe; --link: #0b5cad; --fade: #8a94a566; --none: #8f99a7; --measured: #1a7f4b;
  --running: #0b5cad; --interrupted: #8d6000; --diverged: #b42318; --scaled: #6941c6;
  --strong: #c9d0da; --on: #fff; color-scheme: light; }
@media (prefers-color-scheme: dark) { :root { --ink: #dfe5ec; --soft: #9aa6b4; --line: #2a323d;
  --page: #0e1116; --card: #161b22; --scaled-card: #1a1b2b; --link: #6cb2f7; --fade: #000a;
  --none: #6f7b8a; --measured: #4cc38a; --running: #6cb2f7; --interrupted: #dfa83a;
  --diverged: #ff8576; --scaled: #b09bf0; --strong: #3d4754; --on: #10141a; color-scheme: dark; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 8px; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
header, main { max-width: 1280px; margin: 0 auto; padding: 0 20px; }
header { padding-top: 26px; }
h1 { font-size: 1.75rem; line-height: 1.2; margin: 0 0 .3em; letter-spacing: -.01em; }
h2 { font-size: 1.2rem; line-height: 1.3; margin: 0 0 .7em; }
h2 span { display: block; font-weight: 400; font-size: 1rem; color: var(--soft); }
h2.group { font-size: 1.3rem; margin: 34px 0 12px; padding-bottom: 6px;
  border-bottom: 2px solid var(--strong); }
h3 { font-size: 1rem; margin: 1.3em 0 .3em; }
a { color: var(--link); text-decoration: none; } a:hover { text-decoration: underline; }
.lead { color: var(--soft); margin: 0 0 .6em; max-width: 60em; overflow-wrap: anywhere; }
nav { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 0 0 16px; }
.card { display: block; background: var(--card); border: 1px solid var(--line);
  border-radius: 10px; padding: 20px 22px; margin: 0 0 16px; }
details.card { padding: 10px 22px; } details.card > summary h2 { display: inline; font-size: 1rem; }
details.card > summary h2 span { display: inline; font-size: .92rem; margin-left: .4em; }
details.card[open] > summary { margin-bottom: 14px; }
.frame { overflow-x: auto; margin: 10px 0; background:
  linear-gradient(270deg, var(--under, var(--card)) 40%, transparent)
    right / 46px 100% no-repeat local,
  linear-gradient(270deg, var(--fade), transparent) right / 18px 100% no-repeat scroll; }
table { border-collapse: separate; border-spacing: 0; min-width: 50%;
  font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 6px 11px; border-bottom: 1px solid var(--line);
  white-space: nowrap; vertical-align: baseline; }
th { font-weight: 500; } thead th { font-weight: 600; border-bottom: 2px solid var(--strong); }
th:first-child { text-align: left; }
td.nothing { color: var(--none); font-weight: 400; }
td small, th small { display: block; color: var(--soft); font-size: .8rem; font-weight: 400; }
.grid thead th { white-space: normal; vertical-align: bottom; font-size: .85rem; }
.grid th:first-child { position: sticky; left: 0; background: var(--under, var(--card));
  max-width: 17em; min-width: 6em; white-space: normal; overflow-wrap: break-word; z-index: 1; }
.grid td.paper, .grid td.difference { color: var(--soft); }
.grid td.measured { font-weight: 650; } .grid td small { white-space: normal; min-width: 6em; }
.grid td.nothing { font-weight: 400; }
.small table { font-size: .84rem; } .small td { white-space: normal; text-align: left;
  min-width: 7em; max-width: 26em; overflow-wrap: break-word; } .small th { text-align: left; }
.glance td:nth-child(-n+4), .glance th:nth-child(-n+4), .glance th:last-child,
  .glance td:last-child { text-align: left; white-space: normal; }
.glance td:nth-child(4), .glance td:last-child { font-size: .85rem; min-width: 11.5em; }
.glance th, .glance td { padding-left: 7px; padding-right: 7px; }
.glance td:nth-child(6) { font-weight: 650; }
.glance tr.scaled td { color: var(--soft); } .glance table { width: 100%; }
.matrix th b { font-weight: 600; margin-right: .4em; } .matrix th span { color: var(--soft); }
.matrix table { width: 100%; } .matrix th:first-child { max-width: none; width: 60%; }
.glance th:first-child { white-space: nowrap; }
.matrix td, .matrix thead th { text-align: center; width: 8.5em; padding: 3px 8px; }
.matrix tr.part th { padding-top: 14px; color: var(--soft); font-size: .85rem; font-weight: 600; }
.state { display: inline-block; min-width: 4.2em; border-radius: 6px; padding: 1px 8px;
  color: var(--ink); font-size: .85rem; }
.state.all { background: var(--measured); color: var(--on); }
.state.some { background: linear-gradient(90deg, var(--measured) var(--part), transparent 0)
  bottom / 100% 3px no-repeat; box-shadow: inset 0 0 0 1px var(--measured); }
.state.none { color: var(--none); }
.sort th[data-way] { color: var(--link); } .can-sort thead th { cursor: pointer; }
.can-sort thead th:hover { color: var(--link); }
th[data-way="1"]::after { content: " \\2191"; } th[data-way="-1"]::after { content: " \\2193"; }
.prose th, .prose td { white-space: normal; text-align: left; overflow-wrap: anywhere; }
.prose table { font-size: .9rem; width: 100%; }
.settings th:first-child { white-space: nowrap; } .settings td { overflow-wrap: break-word; }
.verdicts th:first-child { white-space: normal; } .verdicts td { text-align: center; }
.verdicts thead th:not(:first-child) { text-align: center; } .verdicts table { width: 100%; }
.notes { margin: .8em 0 0; padding-left: 1.2em; color: var(--soft); font-size: .92rem; }
.plain { list-style: none; padding: 0; margin: 6px 0; } .plain li { padding: 3px 0; }
.concluded small { color: var(--soft); display: block; margin-left: 2px; }
.concluded a { color: var(--ink); }
.hint { margin: 0 0 .5em; color: var(--soft); font-size: .92rem; }
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 420px), 1fr));
  gap: 18px; margin: 18px 0 4px; }
figure { margin: 0; min-width: 0; } .chart { width: 100%; height: auto; display: block; }
figcaption { color: var(--soft); font-size: .9rem; font-weight: 600; text-align: center; }
.badge { display: inline-block; border-radius: 99px; padding: 0 9px; font-size: .78rem;
  font-weight: 600; color: var(--on); background: var(--none); white-space: nowrap;
  vertical-align: middle; margin: 1px 3px 1px 0; }
.badge.measured, .badge.holds { background: var(--measured); }
.badge.running { background: var(--running); }
.badge.interrupted, .badge.cannot-tell, .badge.overridden { background: var(--interrupted); }
.badge.diverged, .badge.fails { background: var(--diverged); }
.badge.not-run { background: none; color: var(--soft); box-shadow: inset 0 0 0 1px var(--strong); }
.badge.scaled { background: var(--scaled); } .badge.paper { background: var(--ink);
  color: var(--card); }
.block > h3, .block > summary h3 { display: flex; flex-wrap: wrap; gap: 4px 8px;
  align-items: center; margin: 0 0 8px; font-weight: 400; }
.block + .block { margin-top: 20px; } .block > summary h3 { display: inline; margin: 0; }
.block .what { color: var(--soft); font-size: .92rem; }
.block.scaled { --under: var(--scaled-card); border-left: 4px solid var(--scaled);
  background: var(--scaled-card); padding: 14px 16px; border-radius: 0 10px 10px 0; }
.block.scaled .chart { --card: var(--scaled-card); }
details details, .block > details, section > details { margin-top: 8px; }
summary { cursor: pointer; color: var(--link); }
dt { font-weight: 600; margin-top: 10px; } dd { margin: 2px 0 0; }
pre { margin: 4px 0 0; background: var(--page); border-radius: 6px; padding: 8px 10px;
  font-size: .82rem; white-space: pre-wrap; overflow-wrap: anywhere; }
.run { margin-top: 12px; } .run span { color: var(--soft); font-size: .9rem; }
sup { line-height: 0; font-size: .72em; }
.tip { position: fixed; z-index: 9; pointer-events: none; background: var(--ink);
  color: var(--card); border-radius: 6px; padding: 3px 9px; font-size: .82rem; max-width: 300px; }
@media (max-width: 640px) {
  header, main { padding-left: 10px; padding-right: 10px; } .card { padding: 14px 12px; }
  details.card { padding: 10px 12px; } th, td { padding: 6px 7px; font-size: .9rem; }
  .grid th:first-child { max-width: 8.5em; min-width: 5.5em; font-size: .84rem; }
  .block.scaled { padding: 12px 8px; margin-left: -6px; margin-right: -6px; }
  .matrix th span { display: none; } .matrix td, .matrix thead th { width: auto; padding: 3px; }
  .state { min-width: 0; padding: 1px 5px; }
  .stack tr { display: flex; flex-wrap: wrap; gap: 2px 10px; padding: 8px 0;
    border-bottom: 1px solid var(--line); } .stack thead, .stack td.nothing { display: none; }
  .stack th, .stack td { border: 0; padding: 0; } .stack th:first-child { flex: 1 0 100%;
    max-width: none; position: static; font-size: .95rem; }
  .stack td::before { color: var(--soft); font-size: .78rem; content: attr(data-of) " "; }
  .prose table, .prose tbody, .prose tr, .prose th, .prose td { display: block; border: 0; }
  .prose thead { display: none; } .prose th, .prose td { padding: 1px 0; }
  .prose tr { padding: 7px 0; border-bottom: 1px solid var(--line); }
}
@media print { body { background: #fff; } .card { break-inside: avoid; } }
"""

# Sorts a table by the column that is clicked, opens what is folded around a link's target, and
# says a picture's nearest point beside the pointer, in place of the slow titles.
SCRIPT = """
for (const frame of document.querySelectorAll('.sort')) {
  frame.classList.add('can-sort');
  const body = frame.querySelector('tbody'), heads = [...frame.querySelectorAll('thead th')];
  const value = (row, place) => {
    const text = row.children[place].textContent.trim(), number = parseFloat(text);
    return Number.isNaN(number) ? text : number;
  };
  heads.forEach((head, place) => head.addEventListener('click', () => {
    const way = head.dataset.way === '1' ? -1 : 1;
    heads.forEach(other => delete other.dataset.way);
    head.dataset.way = way;
    const rank = v => typeof v === 'number' ? 0 : v === '' || v === '-' ? 2 : 1;
    body.append(...[...body.children].sort((a, b) => {
      const x = value(a, place), y = value(b, place);
      if (rank(x) !== rank(y)) return rank(x) - rank(y);
      return way * (typeof x === 'number' ? x - y : x.localeCompare(y));
    }));
  }));
}
const open = () => {
  const target = location.hash && document.getElementById(location.hash.slice(1));
  for (let node = target; node; node = node.parentElement) {
    if (node.tagName === 'DETAILS') node.open = true;
  }
  if (target) target.scrollIntoView();
};
addEventListener('hashchange', open);
open();
const tip = document.createElement('div');
tip.className = 'tip';
tip.hidden = true;
document.body.append(tip);
for (const chart of document.querySelectorAll('.chart')) {
  let points = null;
  chart.addEventListener('pointermove', event => {
    points = points || [...chart.querySelectorAll('.p')].map(mark => {
      const text = mark.textContent;
      mark.textContent = '';
      return [...mark.getAttribute('transform').match(/[-\\d.]+/g).map(Number), text];
    });
    const m = chart.getScreenCTM();
    const x = (event.clientX - m.e) / m.a, y = (event.clientY - m.f) / m.d;
    let least = 600, found = '';
    for (const [px, py, text] of points) {
      const distance = (px - x) ** 2 + (py - y) ** 2;
      if (distance < least) [least, found] = [distance, text];
    }
    tip.hidden = !found;
    tip.textContent = found;
    tip.style.left = `${Math.min(event.clientX + 14, innerWidth - tip.offsetWidth - 6)}px`;
    tip.style.top = `${event.clientY + 16}px`;
  });
  chart.addEventListener('pointerleave', () => { tip.hidden = true; });
}
"""
