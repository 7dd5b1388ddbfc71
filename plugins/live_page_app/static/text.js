// Numbers as text. Amounts come as exact decimal text and stay it.

export const NONE = "–";

const grouped = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });
const oneDigit = new Intl.NumberFormat("en-US", { minimumFractionDigits: 1, maximumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat("en-GB", { timeStyle: "medium" });
const date = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" });

export const count = (value) => (value == null ? NONE : grouped.format(value));

export const rate = (value) => (value == null ? NONE : (value > 0 && value < 10 ? oneDigit : grouped).format(value));

export const milliseconds = (value) => (value == null ? NONE : (value < 9.95 ? oneDigit : grouped).format(value));

export const time = (ms) => clock.format(ms);

export const moment = (ms) => date.format(ms);

export function amount(text) {
  if (text == null) return NONE;
  const [whole, part] = String(text).split(".");
  const groups = whole.replace(/\B(?=(\d{3})+(?!\d))/g, ",");
  return part ? `${groups}.${part}` : groups;
}

export function age(ms) {
  const seconds = Math.max(Math.round(ms / 1000), 0);
  if (seconds < 120) return `${seconds} s`;
  if (seconds < 7200) return `${Math.floor(seconds / 60)} min`;
  return seconds < 172800 ? `${Math.floor(seconds / 3600)} h` : `${Math.floor(seconds / 86400)} days`;
}
