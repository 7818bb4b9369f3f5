/** The colours of the stylesheet as a canvas takes them; whoever draws asks for them anew when a theme changes. */

export interface Palette {
  ink: string;
  quiet: string;
  paper: string;
  line: string;
  /** The tint of a strength from -1 to 1. */
  tint(strength: number, hue?: string): string;
  /** A colour of the stylesheet by the name of its variable. */
  named(name: string): string;
  font: string;
}

type Channels = [number, number, number];

// Steps of a tint that can be told from each other.
const STEPS = 100;

export function paletteOf(root: HTMLElement, context: CanvasRenderingContext2D): Palette {
  const style = getComputedStyle(root);
  const known = new Map<string, string>();
  const named = (name: string) => {
    const colour = known.get(name) ?? normal(context, style.getPropertyValue(`--${name}`));
    known.set(name, colour);
    return colour;
  };
  const strongest = Number.parseFloat(style.getPropertyValue("--strongest")) / 100 || 1;
  const paper = named("paper");
  const shades = new Map<string, readonly string[]>();
  const shadesOf = (hue: string): readonly string[] => {
    const made = shades.get(hue);
    if (made !== undefined) return made;
    const [from, to] = [channels(paper), channels(named(hue))];
    const part = hue === "mass" || hue === "minus" ? strongest : 1;
    const all = Array.from({ length: STEPS + 1 }, (_, step) => mixed(from, to, (step / STEPS) * part));
    shades.set(hue, all);
    return all;
  };
  return {
    ink: named("ink"),
    quiet: named("quiet"),
    paper,
    line: named("line"),
    tint: (strength, hue = strength < 0 ? "minus" : "mass") => {
      const step = Math.min(STEPS, Math.round(Math.abs(strength) * STEPS));
      return shadesOf(hue)[step] ?? paper;
    },
    named,
    font: style.fontFamily,
  };
}

/** Any colour as `#rrggbb`, or as `rgba()` where it is seen through. */
function normal(context: CanvasRenderingContext2D, colour: string): string {
  context.fillStyle = "#000000";
  context.fillStyle = colour.trim();
  return context.fillStyle;
}

export function channels(colour: string): Channels {
  if (colour.startsWith("#")) {
    const number = Number.parseInt(colour.slice(1, 7), 16);
    return [number >> 16, (number >> 8) & 255, number & 255];
  }
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number);
  return [red, green, blue];
}

/** As `color-mix(in srgb)` does it. */
export const mixed = (from: Channels, to: Channels, part: number): string =>
  `rgb(${from.map((channel, index) => Math.round(channel + ((to[index] ?? 0) - channel) * part)).join(" ")})`;
