import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { channels, mixed } from "../fields/palette";

const css = readFileSync(`${process.cwd()}/src/styles/ground.css`, "utf-8");
const [light, dark] = [css, css.slice(css.indexOf('[data-theme="dark"]'))];

/** A colour of a theme; what the dark one does not say, the light one does. */
function colour(name: string, theme: string): string {
  const found = (text: string) => new RegExp(`--${name}: (?:var\\([^,]*, )?(#\\w+|[\\d.]+%)`).exec(text)?.[1];
  return found(theme) ?? found(light) ?? expect.fail(`no ${name}`);
}

function luminance(shade: string): number {
  const [red = 0, green = 0, blue = 0] = channels(shade).map((channel) => {
    const part = channel / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, other: string): number {
  const [low = 0, high = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (high + 0.05) / (low + 0.05);
}

describe.each([
  ["light", light],
  ["dark", dark],
])("in the %s theme", (_, theme) => {
  const paper = colour("paper", theme);
  const strongest = Number.parseFloat(colour("strongest", theme)) / 100;
  const tints = ["mass", "minus"].flatMap((hue) =>
    Array.from({ length: 11 }, (_, step) =>
      mixed(channels(paper), channels(colour(hue, theme)), (step / 10) * strongest),
    ),
  );

  it("a line is told from its halo, which is all that it touches, on every tint", () => {
    expect(contrast(colour("route", theme), colour("halo", theme))).toBeGreaterThanOrEqual(3);
  });

  it("a number is read on every tint", () => {
    for (const tint of tints)
      expect(contrast(colour("ink", theme), tint), `ink on ${tint}`).toBeGreaterThanOrEqual(4.5);
  });

  it("an edge around what is selected, or left out, is seen on every tint", () => {
    for (const tint of tints)
      expect(contrast(colour("ink", theme), tint), `edge on ${tint}`).toBeGreaterThanOrEqual(3);
    expect(contrast(colour("mark", theme), paper)).toBeGreaterThanOrEqual(3);
  });
});
