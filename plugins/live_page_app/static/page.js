// Asks for a snapshot every two seconds while the page is seen, and shows it.

import { Chart } from "./chart.js";
import { showBatches, showRates, showRefusals, showTotals } from "./tables.js";
import { NONE, age, amount, count, milliseconds, moment, rate, time } from "./text.js";

const EVERY_MS = 2000;
const PATIENCE_MS = 8000;
const HEARTBEAT_OLD_MS = 10000;
const AWAY = "ZooKeeper is away";
const NAMES = { ledger: "The ledger", kafka: "Kafka", zookeeper: "ZooKeeper" };

const at = (id) => document.getElementById(id);
const chart = new Chart(at("chart"), at("readout"));
let snapshot = null;
let receivedAt = 0;
let timer = 0;

// Live regions are read aloud when they are written: write only what changed.
function say(id, text) {
  const place = at(id);
  if (place.textContent !== text) place.textContent = text;
}

const serverNow = () => snapshot.at_ms + performance.now() - receivedAt;

function showVerdict({ verdict, driver }) {
  at("verdict").dataset.health = verdict.health;
  say("headline", verdict.headline);
  say("words", verdict.words);
  const standby = driver?.standing_by ? ` (${driver.standing_by} standing by)` : "";
  say("holder", driver ? `${driver.lock_holder ?? "nobody"}${standby}` : NONE);
}

function showAges() {
  if (!snapshot) return;
  const now = serverNow();
  const beat = snapshot.driver?.heartbeat_ms;
  say("heartbeat", beat == null ? (snapshot.driver ? "never" : NONE) : `${age(now - beat)} ago`);
  at("heartbeat").className = beat != null && now - beat > HEARTBEAT_OLD_MS ? "bad" : "";
  showRates(at("rates"), snapshot.rates, now);
}

function showAway({ away }) {
  const untold = Object.entries(away).filter(([name]) => name !== "zookeeper"); // the verdict tells of that
  const lines = untold.map(([name, why]) => `${NAMES[name] ?? name} is away: ${why}`);
  if (at("away").dataset.shown === lines.join()) return;
  at("away").dataset.shown = lines.join();
  at("away").replaceChildren(...lines.map((line) => Object.assign(document.createElement("p"), { textContent: line })));
}

function showFigures({ flow, latency }) {
  say("accept-rate", rate(flow.accept_per_second));
  say("settle-rate", rate(flow.settle_per_second));
  say("accepted", flow.accepted == null ? NONE : `${count(flow.accepted)} in all`);
  say("settled", flow.settled == null ? NONE : `${count(flow.settled)} in all`);
  say("lag", count(flow.lag));
  say("p50", milliseconds(latency?.p50_ms));
  say("p99", milliseconds(latency?.p99_ms));
}

function showMoney({ totals, rates }) {
  say("amount", amount(totals?.amount_cny));
  showTotals(at("totals"), totals);
  say("totals-note", totals ? `as of batch ${count(totals.batch)}, each valued at its own rates` : NONE);
  const problem = rates?.problem && `${rates.problem}; or trigger refresh_fx`;
  const limit = rates && `limit ${age(rates.age_seconds_max * 1000)}; source: ${rates.source}`;
  say("rates-note", problem || (limit ?? AWAY));
  at("rates-note").classList.toggle("bad", Boolean(problem));
}

function showRefused({ refusals }) {
  showRefusals(at("refusals"), refusals);
  const window = refusals && `among the last ${count(refusals.window_orders)} orders; ${count(refusals.all_time)} refused in all`;
  say("refusals-note", window ?? NONE);
}

function showAudit({ audit, away }) {
  const known = audit ? `${count(audit.differences)} ${audit.differences === 1 ? "difference" : "differences"}` : "Not yet";
  say("audit-verdict", away.zookeeper ? NONE : known);
  at("audit-verdict").className = `amount ${audit ? (audit.differences ? "bad" : "good") : ""}`;
  const note = audit ? `${count(audit.orders)} orders recomputed, ${moment(audit.at_ms)}` : "trigger audit_ledger";
  say("audit-note", away.zookeeper ? AWAY : note);
}

function showBatchList({ batches }) {
  showBatches(at("batches"), batches);
  at("batches-empty").hidden = batches === null || batches.length > 0;
}

function show() {
  showVerdict(snapshot);
  showAway(snapshot);
  showFigures(snapshot);
  chart.show(snapshot.history);
  showMoney(snapshot);
  showRefused(snapshot);
  showAudit(snapshot);
  showBatchList(snapshot);
  showAges();
}

function contact(kind, text) {
  document.body.dataset.contact = kind;
  say("contact", text);
}

async function update() {
  try {
    const answer = await fetch("data", { signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store" });
    if (answer.status === 401 || answer.status === 403) return contact("lost", "Signed out: sign in to Airflow again");
    if (!answer.ok) throw new Error(answer.statusText);
    snapshot = await answer.json();
    receivedAt = performance.now();
    show();
    contact("live", "Live");
  } catch {
    contact("lost", snapshot ? `Lost contact; this is from ${time(snapshot.at_ms)}` : "No contact");
  }
}

async function keepUpdating() {
  clearTimeout(timer);
  if (document.hidden) return;
  const began = performance.now();
  await update();
  clearTimeout(timer);
  timer = setTimeout(keepUpdating, Math.max(EVERY_MS - (performance.now() - began), EVERY_MS / 4));
}

document.addEventListener("visibilitychange", keepUpdating);
setInterval(showAges, 1000);
showRates(at("rates"), null, 0);
showTotals(at("totals"), null);
showRefusals(at("refusals"), null);
at("batches-empty").hidden = true;
keepUpdating();
