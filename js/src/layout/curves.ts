/** Where the points of curves lie: shares of the words from left to right, drops of the score upwards. */

export interface Plot {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
  low: number;
  high: number;
}

/** Room for curves between the smallest and the largest of some numbers, and 0. */
export function plotOf(numbers: readonly number[], width: number): Plot {
  const known = numbers.filter(Number.isFinite);
  const low = Math.min(0, ...known);
  const high = Math.max(0, ...known);
  const room = (high - low || 1) * 0.05;
  return {
    ...{ width, height: 170, left: 38, right: width - 10, top: 8, bottom: 138 },
    ...{ low: low - (low < 0 ? room : 0), high: high + room },
  };
}

export const across = (plot: Plot, share: number): number => plot.left + share * (plot.right - plot.left);

export const up = (plot: Plot, value: number): number =>
  plot.bottom - ((value - plot.low) / (plot.high - plot.low)) * (plot.bottom - plot.top);

/** The path of a curve whose points are equally far from each other; empty where a number is not known. */
export function curve(plot: Plot, numbers: readonly number[]): string {
  if (numbers.length < 2 || !numbers.every(Number.isFinite)) return "";
  const points = numbers.map((value, index) => {
    const share = index / (numbers.length - 1);
    return `${across(plot, share).toFixed(1)} ${up(plot, value).toFixed(1)}`;
  });
  return `M${points.join("L")}`;
}

/** A few round numbers within a range, 0 among them. */
export function ticks(low: number, high: number, about = 5): number[] {
  const raw = (high - low) / about || 1;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => size >= raw) ?? raw;
  const first = Math.ceil(low / step);
  const count = Math.floor(high / step) - first + 1;
  return Array.from({ length: count }, (_, index) => Number(((first + index) * step).toPrecision(12)));
}
