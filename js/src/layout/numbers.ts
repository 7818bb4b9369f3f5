/**
 * Numbers as people read them, and as tints.
 *
 * `semiring_widgets/results/wording.py` says them alike; `tests/fixtures/wording.json` holds cases of both.
 */

const UNKNOWN = "–";
// Beyond this power of ten, and below its inverse, a number is written with an exponent.
const PLAIN = 4;

/** A number with some digits that count, without zeros at its end; with an exponent one less. */
export function number(value: number | null, digits = 4): string {
  if (value === null || Number.isNaN(value)) return UNKNOWN;
  const size = Math.abs(value);
  const sign = value < 0 ? "−" : "";
  if (size === Number.POSITIVE_INFINITY) return `${sign}∞`;
  const plain = size === 0 || (size >= 10 ** -PLAIN && size < 10 ** PLAIN);
  return sign + (plain ? `${Number(size.toPrecision(digits))}` : exponential(size, digits - 1));
}

/** How the numbers of a column are written below each other: as many decimals as three digits of the largest. */
export function alike(column: readonly (number | null)[]): (value: number | null) => string {
  const peak = Math.max(0, ...column.map((value) => Math.abs(value ?? 0)).filter(Number.isFinite));
  const decimals = 2 - Math.floor(Math.log10(peak || 1));
  const plain = decimals >= -1 && decimals <= PLAIN + 2;
  return (value) => {
    if (value === null || !Number.isFinite(value) || !plain) return number(value, 3);
    const digits = Math.abs(value).toFixed(Math.max(0, decimals));
    return (value < 0 && Number(digits) !== 0 ? "−" : "") + digits;
  };
}

/** A natural logarithm as the number itself, with three digits, also where no float holds it: `3.2e-18`. */
export function power(log: number | null): string {
  if (log === null || Number.isNaN(log)) return UNKNOWN;
  const exponents = log / Math.LN10;
  if (Math.abs(exponents) < PLAIN || !Number.isFinite(log)) return number(Math.exp(log), 3);
  const exponent = Math.floor(exponents);
  const mantissa = (10 ** (exponents - exponent)).toFixed(1);
  return mantissa === "10.0" ? `1.0e${exponent + 1}` : `${mantissa}e${exponent}`;
}

/** A number with its sign and three digits: `+0.284`, `−3.1e-9`. */
export function signed(value: number | null, digits = 3): string {
  if (value === null || Number.isNaN(value)) return UNKNOWN;
  return (value < 0 ? "−" : "+") + number(Math.abs(value), digits);
}

// Numbers of which the largest is smaller say too little with two decimals.
const FINE = 0.1;

/**
 * A signed number where there is little room, with two digits or whole: `+0.44`, `−8.0`, `+12`; with more
 * decimals where the largest of those that are compared with it is small itself.
 */
export function brief(value: number | null, largest = Number.POSITIVE_INFINITY): string {
  if (value === null || Number.isNaN(value)) return UNKNOWN;
  if (largest > 0 && largest < FINE) return fine(value, largest);
  const size = Math.abs(value);
  // What would be written as 10.0 has a digit too many.
  const digits = size >= 9.95 ? 0 : size >= 0.995 ? 1 : 2;
  if (size >= 10 ** PLAIN || size === Number.POSITIVE_INFINITY) return signed(value);
  const text = size.toFixed(digits);
  return Number(text) === 0 ? "0" : (value < 0 ? "−" : "+") + text;
}

function fine(value: number, largest: number): string {
  const digits = 1 - Math.floor(Math.log10(largest));
  if (digits > PLAIN + 1) return value === 0 ? "0" : signed(value);
  const text = Math.abs(value).toFixed(digits);
  return Number(text) === 0 ? "0" : (value < 0 ? "−" : "+") + text;
}

/** A share as a percentage with two digits; of a small one, one digit is kept. */
export function percent(share: number | null): string {
  if (share === null || Number.isNaN(share)) return "not known";
  const value = share * 100;
  if (value === 0) return "0 %";
  if (value < 0.01) return `${exponential(value, 1)} %`;
  return `${value < 10 ? number(value, 2) : value.toFixed(0)} %`;
}

/** A number of nats, or that it is not known. */
export function nats(value: number | null): string {
  return value === null || !Number.isFinite(value) ? "not known" : `${number(value)} nats`;
}

// Superscripts of a power of ten.
const RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** An entropy as a number of equally strong paths: `about 37 equally strong paths`, `about 10⁶⁵ …`. */
export function spread(entropy: number): string {
  const exponent = entropy / Math.LN10;
  const count =
    exponent < PLAIN
      ? `${Number(Math.exp(entropy).toPrecision(2))}`
      : `10${[...`${Math.round(exponent)}`].map((digit) => RAISED[Number(digit)] ?? "").join("")}`;
  return count === "1" ? "effectively one path" : `about ${count} equally strong paths`;
}

const exponential = (size: number, digits: number): string => size.toExponential(digits - 1).replace("+", "");

/** Tint 0-1 of a share: the square root keeps small shares visible. */
export function tint(value: number, peak: number): number {
  if (!(peak > 0) || Number.isNaN(value)) return 0;
  return Math.sqrt(Math.min(1, Math.abs(value) / peak));
}

/** Tint of a logarithm: 1 at the best, 0 at `range` nats below it. */
export function logTint(value: number, peak: number, range = 12): number {
  if (!Number.isFinite(value) || !Number.isFinite(peak)) return 0;
  return Math.max(0, 1 - (peak - value) / range);
}
