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

function bar(share, kind, text = "") {
  const made = document.createElement("span");
  made.className = `bar ${kind}`;
  const filled = document.createElement("i");
  filled.style.width = `${Math.min(Math.max(share, 0), 1) * 100}%`;
  made.append(filled);
  if (!text) return made;
  const both = document.createElement("span");
  both.className = "measured";
  both.append(text, made);
  return both;
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
  fill(
    body,
    CURRENCIES.map((code) => {
      const found = known[code];
      const share = found ? (now - found.as_of_ms) / (rates.age_seconds_max * 1000) : 0;
      const kind = share > 1 ? "bad" : share > 0.5 ? "warn" : "good";
      return [
        cell(code, "", "th"),
        cell(found?.rate ?? NONE),
        cell(found ? bar(share, kind, age(now - found.as_of_ms)) : NONE, ""),
      ];
    }),
  );
}

export function showRefusals(body, refusals) {
  fill(
    body,
    REASONS.map((reason) => {
      const orders = refusals?.reasons[reason];
      const share = orders && refusals.window_orders ? orders / refusals.window_orders : 0;
      return [cell(reason.replaceAll("_", " "), "", "th"), cell(count(orders)), cell(bar(share, "plain"), "")];
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
        cell(count(batch.malformed), `number wide${batch.malformed ? " bad" : ""}`),
        ...steps.map((step) => cell(milliseconds(step), "number wide ms")),
        cell(milliseconds(sum), "number narrow ms"),
        cell(milliseconds(batch.latency_ms), "number wide ms"),
        cell(time(batch.committed_ms)),
      ];
    }),
  );
}
