// report.html: the table that a team pins to its wall, and below it a picture of every drill.
#include <fmt/format.h>

#include "drill/report.h"
#include "drill/report_svg.h"

namespace minato::drill {
namespace {

constexpr std::string_view kStyle = R"(
:root{color-scheme:light dark;--bg:#fff;--fg:#1c2430;--dim:#5b6675;--line:#dfe4ea;--card:#f7f9fb;--good:#3fa66a;--bad:#d64545;--warn:#e0a030;--wait:#9fb4cc;--sent:#c9daf0;--mark:#3b5bdb;
--p0:#d64545;--p1:#e8833a;--p2:#d9b23b;--p3:#8fb04a;--p4:#3fa66a;--p5:#2f9aa0;--p6:#3b7ddb;--p7:#7a62c9}
@media (prefers-color-scheme:dark){:root{--bg:#12161c;--fg:#e4e9f0;--dim:#93a0b0;--line:#2a323d;--card:#1a2029;--good:#3c8f5f;--bad:#e05a5a;--warn:#c98f2e;--wait:#52667e;--sent:#2b4263;--mark:#8ea5ff;
--p0:#c94a4a;--p1:#c9733a;--p2:#b3943a;--p3:#7d9a48;--p4:#3c8f5f;--p5:#348a90;--p6:#4a7fcf;--p7:#7f6ac4}}
*{box-sizing:border-box}body{margin:0 auto;max-width:1160px;padding:28px 24px 60px;background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif}
h1{font-size:24px;margin:0 0 2px}h2{font-size:18px;margin:0}p{margin:4px 0}.dim{color:var(--dim)}
table{border-collapse:collapse;width:100%;margin:18px 0;font-variant-numeric:tabular-nums}
th{font-weight:600;text-align:right;color:var(--dim);font-size:13px}td{text-align:right}th,td{padding:7px 10px;border-bottom:1px solid var(--line)}
th:first-child,td:first-child,td.text,th.text{text-align:left}td:first-child{white-space:nowrap}td:first-child a{color:inherit}
.scroll{overflow-x:auto}.chip{display:inline-block;padding:1px 9px;border-radius:9px;color:#fff;font-size:13px;font-weight:600}.chip.ok{background:var(--good)}.chip.no{background:var(--bad)}
section{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:16px 18px;margin:22px 0}
.head{display:flex;gap:12px;align-items:center;flex-wrap:wrap}.facts{display:flex;gap:22px;flex-wrap:wrap;margin:10px 0}.facts b{display:block;font-size:18px;font-variant-numeric:tabular-nums}
svg{width:100%;height:auto;display:block;margin:8px 0}svg text{font:11px system-ui,sans-serif;fill:var(--fg)}
svg .tick,svg .lane-name{fill:var(--dim)}svg .total{font-weight:600;font-size:12px}.grid{stroke:var(--line)}.sent{fill:var(--sent)}.failed{fill:var(--bad)}
.good{fill:var(--good)}.bad{fill:var(--bad)}.warn{fill:var(--warn)}.wait{fill:var(--wait)}
.inject{stroke:var(--bad);stroke-width:1.6}svg .inject-name{fill:var(--bad);font-weight:600}.phase{stroke:var(--mark);stroke-dasharray:3 3}svg .phase-name{fill:var(--mark)}
.p0{fill:var(--p0)}.p1{fill:var(--p1)}.p2{fill:var(--p2)}.p3{fill:var(--p3)}.p4{fill:var(--p4)}.p5{fill:var(--p5)}.p6{fill:var(--p6)}.p7{fill:var(--p7)}
.legend{display:flex;gap:14px;flex-wrap:wrap;font-size:13px;color:var(--dim)}.legend i{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:5px;vertical-align:-1px}
details{margin-top:8px}summary{cursor:pointer;color:var(--dim)}details table{font-size:13px}.fault{color:var(--bad)}
)";

std::string chip(const Row& row) {
  return row.passed() ? R"(<span class="chip ok">kept</span>)" : R"(<span class="chip no">not kept</span>)";
}

std::string measured(const Row& row) {
  return row.outcome.is_recovered() ? minutes(row.outcome.recovery()) : std::string("–");
}

std::string simulated(const Row& row) {
  return row.simulated ? fmt::format("{} / {}", minutes(row.simulated->p50), minutes(row.simulated->p95)) : std::string("–");
}

std::string failed(const Row& row) {
  const Slice requests = row.outcome.requests();
  return fmt::format("{} of {}", requests.failures(), requests.sent);
}

std::string table(const Report& report) {
  std::string out = R"(<div class="scroll"><table><tr><th>drill</th><th>bound</th><th>simulated p50 / p95</th><th>measured</th>)"
                    R"(<th>requests failed</th><th>may fail</th><th class="text">by cause</th><th class="text">verdict</th></tr>)";
  for (const Row& row : report.rows) {
    out += fmt::format(R"(<tr><td><a href="#{0}">{0}</a></td><td>{1}</td><td>{2}</td><td><b>{3}</b></td><td>{4}</td><td>{5}</td><td class="text">{6}</td><td class="text">{7}</td></tr>)",
                       escape_html(row.outcome.drill.kind), minutes(row.bound.total()), simulated(row), measured(row), failed(row),
                       row.failed_allowed, causes_of(row.outcome.requests()), chip(row));
  }
  return out + "</table></div>";
}

std::string terms(const bounds::Bound& bound) {
  std::string out = R"(<div class="scroll"><table><tr><th>phase</th><th class="text">wait</th><th class="text">setting</th><th>how</th><th>at most</th></tr>)";
  for (const bounds::Term& term : bound.terms) {
    out += fmt::format(R"(<tr><td>{}</td><td class="text" title="{}">{}</td><td class="text">{}</td><td>{}</td><td>{}</td></tr>)",
                       to_string(term.phase), escape_html(term.rule), escape_html(term.what), escape_html(term.setting),
                       escape_html(term.formula), minutes(term.duration));
  }
  return out + "</table></div>";
}

std::string legend() {
  std::string out = R"(<div class="legend">)";
  for (std::size_t i = 0; i < kPhases; ++i) {
    out += fmt::format(R"x(<span><i style="background:var(--p{})"></i>{}</span>)x", i, to_string(static_cast<Phase>(i)));
  }
  return out + "</div>";
}

std::string states_legend() {
  return R"x(<div class="legend"><span><i style="background:var(--good)"></i>serves</span><span><i style="background:var(--wait)"></i>starts</span>)x"
         R"x(<span><i style="background:var(--warn)"></i>leaves</span><span><i style="background:var(--bad)"></i>down; failed requests</span></div>)x";
}

std::string section(const Row& row) {
  const Outcome& outcome = row.outcome;
  std::string out = fmt::format(R"(<section id="{0}"><div class="head"><h2>{0}</h2>{1}</div><p>It {2}.</p><p class="dim">Expected: {3}. Protected by: {4}.</p>)",
                                escape_html(outcome.drill.kind), chip(row), escape_html(outcome.drill.does),
                                escape_html(outcome.drill.expects), escape_html(outcome.drill.protects));
  for (const std::string& fault : row.faults) out += fmt::format(R"(<p class="fault">{}</p>)", escape_html(fault));
  for (const std::string& remark : row.remarks) out += fmt::format(R"(<p class="dim">{}</p>)", escape_html(remark));
  out += fmt::format(R"(<div class="facts"><span><b>{}</b>recovered</span><span><b>{}</b>bound</span><span><b>{}</b>requests failed</span><span><b>{}</b>may fail</span><span><b>{:.0f} ms</b>p99 latency</span></div>)",
                     measured(row), minutes(row.bound.total()), failed(row), row.failed_allowed,
                     std::chrono::duration<double, std::milli>(outcome.latency.p99).count());
  if (outcome.was_refused) return out + "</section>";
  out += phases_svg(row) + legend() + timeline_svg(outcome) + states_legend();
  out += fmt::format(R"(<details><summary>The bound, term by term: {} dominates. {}</summary>{}<p class="dim">{}</p></details></section>)",
                     escape_html(row.bound.dominating), escape_html(row.bound.advice), terms(row.bound), escape_html(row.bound.beside));
  return out;
}

}  // namespace

std::string to_html(const Report& report) {
  std::string out = fmt::format(
      R"(<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1"><title>Recovery of {0}</title><style>{1}</style></head><body>)"
      R"(<h1>Recovery of {0}</h1><p class="dim">{2} world, {3} profile, {4:.0f} requests per second, SLO {5}, {6}</p>)",
      escape_html(report.service), kStyle, escape_html(report.world), escape_html(report.profile), report.rate, escape_html(report.slo),
      escape_html(report.at));
  out += table(report);
  for (const Row& row : report.rows) out += section(row);
  return out + "</body></html>\n";
}

}  // namespace minato::drill
