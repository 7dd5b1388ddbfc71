// The page's tables: as many rows whether the numbers are there or not, so that nothing jumps.

import { NONE, age, amount, count, milliseconds, time } from "./text.js";

const CURRENCIES = ["CNY", "USD", "JPY", "EUR"];
const REASONS = ["malformed", "unknown_commodity", "insufficient_stock", "amount_too_large", "duplicate", "key_reused"];

function cell(text, kind = "number", tag = "td") {
  const made = document.createElement(tag);
  if (kind) made.className = kind;
  if (tag === "th") made.scope = "row";
  if (text instanceof Node) made.append(text);
  else made.textContent = text;
  return made;
}

function fill(body, rows) {
  body.replaceChildren(
    ...rows.map((cells) => {
      const row = document.createElement("tr");
      row.append(...cells);
      return row;
    }),
  );
}

function bar(share, kind, text) {
  const made = document.createElement("span");
  made.className = `bar ${kind}`;
  const filled = document.createElement("i");
  filled.style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
  made.append(filled);
  const both = document.createElement("span");
  both.className = "measured";
  both.append(text, made);
  return both;
}

const decimals = (text) => text.split(".")[1]?.length ?? 0;

function padded(text, digits) {
  return `${decimals(text) ? text : `${text}.`}${"0".repeat(digits - decimals(text))}`;
}

export function showTotals(body, totals) {
  const known = Object.fromEntries((totals?.currencies ?? []).map((row) => [row.currency, row]));
  fill(
    body,
    CURRENCIES.map((code) => [
      cell(code, "", "th"),
      cell(amount(known[code]?.paid)),
      cell(count(known[code]?.orders)),
    ]),
  );
}

export function showRates(body, rates, now) {
  const known = Object.fromEntries((rates?.rates ?? []).map((row) => [row.currency, row]));
  const digits = Math.max(2, ...Object.values(known).map((row) => decimals(row.rate)));
  fill(
    body,
    CURRENCIES.map((code) => {
      const found = known[code];
      const share = found ? (now - found.as_of_ms) / (rates.age_seconds_max * 1000) : 0;
      const kind = share > 1 ? "bad" : share > 0.5 ? "warn" : "good";
      return [
        cell(code, "", "th"),
        cell(found ? padded(found.rate, digits) : NONE),
        cell(found ? bar(share, kind, age(now - found.as_of_ms)) : NONE),
      ];
    }),
  );
}

export function showRefusals(body, refusals) {
  const refused = Object.values(refusals?.reasons ?? {}).reduce((sum, orders) => sum + orders, 0);
  fill(
    body,
    REASONS.map((reason) => {
      const orders = refusals?.reasons[reason];
      const share = orders ? orders / refused : 0;
      const measured = refusals ? bar(share, "plain", `${Math.round(share * 100)} %`) : NONE;
      return [cell(reason.replaceAll("_", " "), "", "th"), cell(count(orders)), cell(measured)];
    }),
  );
}

export function showBatches(body, batches) {
  fill(
    body,
    (batches ?? []).map((batch) => {
      const steps = [batch.fetch_ms, batch.decode_ms, batch.decide_ms, batch.write_ms];
      const sum = steps.reduce((total, step) => total + step, 0);
      return [
        cell(count(batch.number), "", "th"),
        cell(count(batch.orders)),
        cell(count(batch.succeeded)),
        cell(count(batch.malformed), `number wide${batch.malformed ? "" : " zero"}`),
        ...steps.map((step) => cell(milliseconds(step), "number wide ms")),
        cell(milliseconds(sum), "number narrow ms"),
        cell(milliseconds(batch.latency_ms), "number wide ms"),
        cell(time(batch.committed_ms)),
      ];
    }),
  );
}
