// The console's style sheet: system fonts, two colour schemes, one column on a phone. Every pair of text and ground has a contrast of
// 4.5 or more in both schemes; colour never says something that no word says too.
export const style = String.raw`
:root {
  color-scheme: light dark;
  --ground: #f6f7f9; --card: #fff; --ink: #1b2330; --dim: #566173; --line: #d9dee6; --link: #14588a; --accent: #1f5f8b; --on-accent: #fff;
  --good: #1b6b3a; --good-ground: #e4f4ea; --bad: #a3231c; --bad-ground: #fcebea; --plain-ground: #e8f0f8;
  --code: #f1f3f6; --keyword: #5b3da5; --value: #1f6a45; --comment: #5f6876; --focus: #b35900;
  --l0: #24603b; --l0g: #e2f3e8; --l1: #215a86; --l1g: #e3eff9; --l2: #7a4f00; --l2g: #fcf0d4; --l3: #9b3412; --l3g: #fde8df; --l4: #8d1540; --l4g: #fbe3ec;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #12161d; --card: #1b212b; --ink: #e6eaf0; --dim: #a3adbb; --line: #333c4a; --link: #83c1ee; --accent: #83c1ee; --on-accent: #0d1a26;
    --good: #80d69f; --good-ground: #17301f; --bad: #ff9e95; --bad-ground: #3b1c1b; --plain-ground: #1c2c3c;
    --code: #141922; --keyword: #bda6f5; --value: #86d3a8; --comment: #98a2b0; --focus: #ffb366;
    --l0: #8ad8a6; --l0g: #183022; --l1: #8cc7f2; --l1g: #182c3f; --l2: #f0c467; --l2g: #352a10; --l3: #ffa985; --l3g: #3c2217; --l4: #ff9dbd; --l4g: #3d1927;
  }
}
* { box-sizing: border-box; }
.head .glance { margin: .5rem 0; font-weight: 500; } .glance bdi { overflow-wrap: anywhere; }
html { font: 16px/1.5 system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif; }
body { margin: 0; background: var(--ground); color: var(--ink); }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--focus); outline-offset: 2px; border-radius: 3px; }
main:focus { outline: none; }
.skip { position: absolute; left: -999px; top: 0; background: var(--card); padding: .5rem 1rem; z-index: 3; }
.skip:focus { left: 0; }
.top { display: flex; flex-wrap: wrap; align-items: center; gap: .25rem 1.25rem; padding: .5rem 1.25rem; background: var(--card); border-bottom: 1px solid var(--line); }
.brand { display: flex; align-items: center; gap: .5rem; font-weight: 650; color: var(--ink); text-decoration: none; padding: .4rem 0; }
.mark { width: 1.35rem; height: 1.35rem; }
.mark rect { fill: #1f5f8b; } .mark path { fill: none; stroke: #fff; stroke-width: 2; }
nav ul { display: flex; gap: .15rem; list-style: none; margin: 0; padding: 0; overflow-x: auto; }
nav a { display: block; padding: .5rem .75rem; text-decoration: none; color: var(--dim); border-radius: .4rem; }
nav a:hover { background: var(--code); }
nav a[aria-current] { color: var(--ink); font-weight: 600; background: var(--plain-ground); }
.lead { max-width: 60ch; } .who a { color: var(--dim); text-decoration: none; padding: .4rem 0; } .who a:hover { text-decoration: underline; }
.who { display: flex; align-items: center; gap: .6rem; margin-left: auto; font-size: .9rem; color: var(--dim); }
main { max-width: 76rem; margin: 0 auto; padding: 1.25rem; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: .25rem 0 .75rem; }
h2 { font-size: 1.05rem; margin: 1.5rem 0 .6rem; }
h3 { font-size: .95rem; margin: 1rem 0 .4rem; }
p { margin: .4rem 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: 1rem 1.1rem; margin: 0 0 1rem; }
.card > h2:first-child { margin-top: 0; }
.card > h3:first-child { margin-top: 0; }
.card > :last-child { margin-bottom: 0; }
.dim { color: var(--dim); font-size: .9rem; }
.count { display: inline-block; min-width: 1.5em; padding: 0 .4em; border-radius: 1em; background: var(--plain-ground); color: var(--ink); text-align: center; font-size: .85em; }
.notice { padding: .65rem .9rem; border-radius: .5rem; background: var(--plain-ground); border-left: 4px solid var(--accent); }
.notice.good { background: var(--good-ground); border-color: var(--good); } .notice.bad { background: var(--bad-ground); border-color: var(--bad); }
.offline { margin: 0; padding: .6rem 1.25rem; background: var(--bad-ground); color: var(--bad); border-bottom: 1px solid var(--bad); }
.empty { text-align: center; padding: 2.2rem 1rem; border: 1px dashed var(--line); border-radius: .6rem; color: var(--dim); background: var(--card); }
.empty .head { font-weight: 600; color: var(--ink); font-size: 1.05rem; }
.back { font-size: .9rem; margin: 0; } .back a::before { content: '← '; }
.more { font-size: .9rem; }
ul.plain, ul.holds, ul.paths, ul.reasons, ol.path, ol.timeline { list-style: none; margin: 0; padding: 0; }
.holds .hold { background: var(--card); border: 1px solid var(--line); border-radius: .6rem; padding: .75rem 1rem; margin-bottom: .6rem; }
.line { display: flex; flex-wrap: wrap; align-items: center; gap: .3rem .6rem; margin: .15rem 0; }
.hold .title { font-weight: 600; margin-right: auto; padding: .2rem 0; }
.level, .state { display: inline-block; padding: .05rem .55rem; border-radius: 1rem; font-size: .82rem; font-weight: 600; line-height: 1.5; white-space: nowrap; }
.level::before { content: ''; display: inline-block; width: .55em; height: .55em; border-radius: 50%; background: currentColor; margin-right: .4em; }
.level-0 { color: var(--l0); background: var(--l0g); } .level-1 { color: var(--l1); background: var(--l1g); } .level-2 { color: var(--l2); background: var(--l2g); }
.level-3 { color: var(--l3); background: var(--l3g); } .level-4 { color: var(--l4); background: var(--l4g); } .level-gone { color: var(--ink); background: var(--line); }
.state { border: 1px solid currentColor; }
.state-open { color: var(--l2); } .state-approved, .state-used, .state-up { color: var(--good); } .state-denied, .state-down { color: var(--bad); } .state-expired, .state-withdrawn { color: var(--dim); }
.countdown { font-variant-numeric: tabular-nums; font-size: .9rem; color: var(--dim); white-space: nowrap; } .countdown.soon { color: var(--bad); font-weight: 600; }
time { white-space: nowrap; }
.columns { display: grid; grid-template-columns: minmax(0, 1.7fr) minmax(18rem, 1fr); gap: 1.1rem; align-items: start; margin-top: 1rem; }
pre.sql { margin: .5rem 0; padding: .8rem .9rem; background: var(--code); border: 1px solid var(--line); border-radius: .5rem; overflow: auto; max-height: 26rem; white-space: pre-wrap; font: .9rem/1.55 ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace; }
pre.sql .line { display: block; margin: 0; min-height: 1.55em; unicode-bidi: isolate; direction: ltr; }
pre.sql span { unicode-bidi: isolate; }
.sql .keyword { color: var(--keyword); font-weight: 600; } .sql .value, .sql .parameter { color: var(--value); } .sql .comment { color: var(--comment); font-style: italic; }
.sql .column { border-radius: .25rem; padding: 0 .2rem; font-weight: 600; }
code { font: .92em ui-monospace, SFMono-Regular, Menlo, 'DejaVu Sans Mono', monospace; }
code.place { color: var(--dim); font-size: .82rem; }
.said { margin: .8rem 0; padding: .6rem .9rem; border: 1px dashed var(--dim); border-radius: .5rem; }
.said .label { font-size: .85rem; color: var(--dim); margin: 0; } .said blockquote { margin: .3rem 0; font-style: italic; unicode-bidi: isolate; }
.facts li { padding: .1rem 0; } details { margin-top: .7rem; } summary { cursor: pointer; color: var(--link); padding: .25rem 0; }
.reasons li, .paths > li { padding: .5rem 0; border-top: 1px solid var(--line); } .reasons li:first-child, .paths > li:first-child { border-top: 0; padding-top: 0; }
.path { display: flex; flex-wrap: wrap; gap: .1rem .35rem; font-size: .9rem; margin: .15rem 0; color: var(--dim); }
.path li + li::before { content: '→ '; color: var(--dim); }
.met::before { content: '✓ '; color: var(--good); font-weight: 700; }
.timeline li { display: grid; grid-template-columns: max-content 1fr; gap: .2rem .8rem; padding: .35rem 0 .35rem .8rem; border-left: 2px solid var(--line); font-size: .92rem; }
.timeline time, .timeline .dim { color: var(--dim); font-size: .82rem; grid-column: 1 / -1; } .timeline span:last-child { grid-column: 1 / -1; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; } caption { text-align: left; color: var(--dim); font-size: .85rem; padding-bottom: .3rem; }
th { text-align: left; color: var(--dim); font-weight: 600; } th, td { padding: .4rem .7rem .4rem 0; border-bottom: 1px solid var(--line); vertical-align: top; } tr:last-child td { border-bottom: 0; }
.scroll { overflow-x: auto; position: relative; } th, td { overflow-wrap: normal; } td bdi { overflow-wrap: anywhere; } td code, td.when { white-space: nowrap; } td button.quiet { min-height: 2rem; padding: .1rem .7rem; }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.search .fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(11rem, 1fr)); gap: .6rem .9rem; margin-bottom: .9rem; } .search label { font-size: .85rem; color: var(--dim); } .search input, .search select { display: block; width: 100%; color: var(--ink); font-size: 1rem; min-height: 2.4rem; }
::placeholder { color: var(--dim); opacity: 1; }
dl { margin: 0; } dl div { display: flex; flex-wrap: wrap; gap: .2rem 1rem; padding: .2rem 0; } dt { color: var(--dim); min-width: 9rem; } dd { margin: 0; }
.figures { display: flex; flex-wrap: wrap; gap: .4rem 1.6rem; } .figures div { flex-direction: column-reverse; gap: 0; } .figures dt { min-width: 0; font-size: .85rem; } .figures dd { font-size: 1.3rem; font-weight: 650; font-variant-numeric: tabular-nums; }
.budgets li { padding: .3rem 0; } .bar { display: block; width: 100%; max-width: 26rem; height: .5rem; border-radius: .25rem; } .bar .all { fill: var(--line); } .bar .used { fill: var(--accent); } .bar.nearly .used { fill: var(--bad); }
.parts li { padding: .5rem 0; border-top: 1px solid var(--line); } .parts li:first-child { border-top: 0; }
.tables { padding-left: 1.1rem; display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .5rem 1.2rem; align-items: start; } details.table { margin: 0; } details.table[open] { grid-column: 1 / -1; } details.table summary { color: var(--ink); list-style-position: outside; }
details.table .name { display: block; font-weight: 600; } .strip { display: block; margin: .25rem 0; max-width: 100%; } .strip rect { stroke: currentColor; stroke-width: 1.5; fill: currentColor; }
.strip .level-0 { fill: var(--l0g); } .strip .level-1 { fill: var(--l1g); } .strip .level-2 { fill: var(--l2); } .strip .level-3 { fill: var(--l3); } .strip .level-4 { fill: var(--l4); } .strip .level-none { fill: none; color: var(--bad); stroke-dasharray: 3 2; }
.level-none { color: var(--bad); background: none; border: 1px dashed currentColor; }
fieldset { border: 0; padding: 0; margin: 0; } legend { padding: 0; margin-bottom: .4rem; font-weight: 600; }
.choice { display: flex; gap: .6rem; padding: .45rem 0; cursor: pointer; font-size: .92rem; line-height: 1.4; } .choice input { margin: .25rem 0 0; width: 1.1rem; height: 1.1rem; flex: none; accent-color: var(--accent); }
.choice .words { display: block; } fieldset:has(.choice) .choice:not(:has(input:checked)) .words { display: none; }
.choice + .more, .more { display: flex; flex-wrap: wrap; gap: .4rem .8rem; margin: 0 0 .4rem 1.7rem; font-size: .9rem; } p.more { margin-left: 0; } fieldset:has(.choice) .more { display: none; } .choice:has(input:checked) + .more { display: flex !important; }
input, select, textarea, button { font: inherit; color: inherit; }
input:not([type=radio]), select, textarea { background: var(--ground); border: 1px solid var(--dim); border-radius: .4rem; padding: .35rem .5rem; max-width: 100%; }
.more input { width: 6.5rem; } textarea { width: 100%; display: block; margin: .3rem 0 .6rem; } label { display: inline-block; }
button, .button { display: inline-block; cursor: pointer; border: 1px solid var(--accent); background: var(--accent); color: var(--on-accent); padding: .5rem 1.1rem; border-radius: .45rem; font-weight: 600; text-decoration: none; text-align: center; min-height: 2.6rem; }
button.quiet { background: none; color: var(--link); border-color: var(--line); font-weight: 500; padding: .25rem .7rem; min-height: 2.2rem; }
button.deny { background: none; color: var(--bad); border-color: var(--bad); } button[aria-busy=true] { opacity: .6; }
.decide { border-color: var(--accent); } .decide form + form { margin-top: 1rem; padding-top: 1rem; border-top: 1px solid var(--line); }
.decide .button { width: 100%; } .decide .notice + form { margin-top: 1rem; } .field { display: block; width: 100%; margin: .3rem 0 .8rem; }
.wide-button { display: block; margin: 1rem 0 0; } .or { text-align: center; color: var(--dim); margin: 1rem 0; }
.narrow-page { max-width: 30rem; margin: 8vh auto 0; } .narrow-page .card { padding: 1.5rem; } .narrow-page input { width: 100%; margin: .3rem 0 .9rem; }
.fresh { animation: fresh 1.2s ease-out; } @keyframes fresh { from { background: var(--plain-ground); } }
@media (prefers-reduced-motion: reduce) { .fresh { animation: none; } }
@media (max-width: 56rem) {
  table, tbody, tr, td { display: block; } thead { display: none; } tr { padding: .5rem 0; border-bottom: 1px solid var(--line); } tr:last-child { border: 0; } td { border: 0; padding: .1rem 0; }
  td[data-label]::before { content: attr(data-label) ' '; color: var(--dim); font-size: .85rem; display: inline-block; min-width: 5.5rem; } td.when br { display: none; }
  .columns { display: flex; flex-direction: column; align-items: stretch; gap: 0; } .wide, .narrow { display: contents; }
  .columns .card { order: 5; } .columns .statement { order: 1; } .columns .vote { order: 2; } .columns .offer { order: 3; } .columns .touches { order: 4; }
  .figures { gap: .4rem 1.1rem; } main { padding: .9rem; } .top { padding: .4rem .9rem; } .who { margin-left: 0; width: 100%; justify-content: space-between; } .top nav { width: 100%; order: 3; } .who { width: auto; margin-left: auto; } .who .long { display: none; } nav a { padding: .5rem .55rem; font-size: .92rem; }
}
`;
