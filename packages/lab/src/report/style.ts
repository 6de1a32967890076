/** The page's style. Colours of the cases keep their order and their contrast in both schemes. */
export const STYLE = `
:root{--paper:#fbfaf8;--card:#fff;--ink:#1c1f23;--soft:#5d6570;--rule:#e4e2dd;--grid:#eceae6;
--c0:#0b62c4;--c1:#d1480f;--c2:#0a8a5f;--c3:#9b3fb8;--c4:#b58100;--c5:#c2185b;--c6:#00838f;--c7:#6d4c41;
--cloud:#0b62c4;--edge:#0a8a5f;--end:#b58100;--none:#a9aeb5}
@media (prefers-color-scheme:dark){:root{--paper:#14171b;--card:#1b1f25;--ink:#e8eaed;--soft:#9aa3ae;--rule:#2c323a;--grid:#272c33;
--c0:#62a8ff;--c1:#ff8a5c;--c2:#3fcf9b;--c3:#cf8be6;--c4:#e8bf4a;--c5:#ff7aa8;--c6:#4fd0dd;--c7:#c3a094;
--cloud:#62a8ff;--edge:#3fcf9b;--end:#e8bf4a;--none:#6b737d}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);font:15px/1.5 ui-sans-serif,system-ui,"Segoe UI",Roboto,Helvetica,Arial,sans-serif;-webkit-font-smoothing:antialiased}
header,main,footer{max-width:1180px;margin:0 auto;padding:0 28px}
header{padding-top:40px}
.brand{margin:0;font-size:12px;letter-spacing:.14em;text-transform:uppercase;color:var(--soft)}
h1{margin:4px 0 6px;font-size:30px;line-height:1.2;font-weight:650;letter-spacing:-.015em}
.facts{margin:0;color:var(--soft)}.facts b{color:var(--ink);font-weight:600;margin-left:14px}.facts b:first-child{margin-left:0}
.legend{margin:18px 0 0;padding:10px 0;border-top:1px solid var(--rule);border-bottom:1px solid var(--rule);position:sticky;top:0;background:var(--paper)}
.key{margin-right:22px;white-space:nowrap}
i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:8px;background:currentColor}
section{margin-top:44px}
h2{margin:0;font-size:19px;font-weight:620;letter-spacing:-.01em}
.note{margin:2px 0 14px;color:var(--soft);font-size:13.5px}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--rule);border-radius:10px}
table{border-collapse:collapse;width:100%;font-variant-numeric:tabular-nums;font-size:13.5px}
th,td{padding:8px 13px;text-align:right;white-space:nowrap;border-bottom:1px solid var(--rule)}
tbody tr:last-child>*{border-bottom:0}
thead th{font-weight:550;color:var(--soft);font-size:12.5px;vertical-align:bottom}
thead small{display:block;font-weight:400}
th[scope=row]{text-align:left;font-weight:550;position:sticky;left:0;background:var(--card)}
.words{max-height:26em;overflow-y:auto}.words td,.words th{text-align:left}
td small{color:var(--soft);margin-left:5px;font-size:11.5px}
.best{font-weight:700}.best small{font-weight:400}
.group th{text-align:left;font-size:12px;letter-spacing:.05em;text-transform:uppercase;color:var(--soft);background:var(--paper);padding-top:12px}
.charts{display:grid;grid-template-columns:repeat(auto-fill,minmax(340px,1fr));gap:16px}
figure{margin:0;padding:14px 14px 8px;background:var(--card);border:1px solid var(--rule);border-radius:10px}
figcaption{font-size:13.5px;font-weight:560;margin-bottom:6px}
figcaption::first-letter{text-transform:uppercase}
svg{display:block;width:100%;height:auto;font:11px ui-sans-serif,system-ui,Roboto,Arial,sans-serif}
.grid{stroke:var(--grid)}.axis{stroke:var(--rule)}.tick,.label{fill:var(--soft)}.name{fill:var(--ink);font-size:11.5px}
.line{fill:none;stroke:currentColor;stroke-width:1.9;stroke-linejoin:round;stroke-linecap:round}
.band{fill:currentColor;opacity:.16;stroke:none}
.seed{fill:currentColor;opacity:.22}.mean{fill:currentColor;stroke:var(--card);stroke-width:1.5}.bar{stroke:currentColor;stroke-width:3;opacity:.55;stroke-linecap:round}
.wire{stroke:var(--none);opacity:.55}.site{stroke:var(--card);stroke-width:1.3;fill-opacity:.86}
.site.cloud{fill:var(--cloud)}.site.edge{fill:var(--edge)}.site.end{fill:var(--end)}.site.none{fill:var(--none)}
.place{fill:var(--soft);font-size:10.5px;paint-order:stroke;stroke:var(--card);stroke-width:3px;stroke-linejoin:round}
${Array.from({ length: 8 }, (_, i) => `.c${i}{color:var(--c${i})}`).join("")}
footer{margin-top:52px;padding-top:16px;padding-bottom:40px;color:var(--soft);font-size:12.5px}footer p{margin:2px 0}
code{font:12px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;color:var(--ink)}
@media print{body{background:#fff}figure,.scroll{break-inside:avoid}.legend{position:static}}
`.replaceAll("\n", "");
