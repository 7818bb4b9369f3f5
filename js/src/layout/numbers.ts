/** Numbers as people read them, and as tints. */

/** Share 0-1 as a percentage; small ones keep one digit instead of becoming 0. */
export function percent(share: number): string {
  if (Number.isNaN(share)) return "not known";
  const value = share * 100;
  if (value === 0) return "0 %";
  if (value < 0.01) return `${value.toExponential(0)} %`;
  return `${value >= 10 ? value.toFixed(0) : value.toPrecision(2)} %`;
}

/** A natural logarithm as a power of ten: `3.2e-18`. */
export function power(log: number | null): string {
  if (log === null || Number.isNaN(log)) return "–";
  const digits = log / Math.LN10;
  if (Math.abs(digits) < 4) return Number(Math.exp(log).toPrecision(3)).toString();
  const exponent = Math.floor(digits);
  return `${(10 ** (digits - exponent)).toFixed(1)}e${exponent}`;
}

/** A number with its sign: `+0.28`, `−3.1e-9`. */
export function signed(value: number | null): string {
  if (value === null || Number.isNaN(value)) return "–";
  const size = Math.abs(value);
  const plain = size === 0 || (size >= 1e-3 && size < 1e4);
  const digits = plain ? Number(size.toPrecision(3)).toString() : size.toExponential(1);
  return `${value < 0 ? "−" : "+"}${digits}`;
}

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
