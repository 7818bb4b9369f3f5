import { describe, expect, it } from "vitest";
import type { Layer, ListedRoute, ListedStep, Ranking } from "./contract";
import { passes, through } from "./routes-through";
import { partOf } from "./selection";

const layers: Layer[] = [
  { name: "encoder", index: 0, stream: 0, key_stream: 0, heads: 2 },
  { name: "decoder", index: 1, stream: 1, key_stream: 1, heads: 2 },
  { name: "cross", index: 2, stream: 1, key_stream: 0, heads: 2 },
];

const step = (
  layer: number,
  branch: ListedStep["branch"],
  source: number,
  target: number,
  head: number | null,
) => ({
  layer,
  branch,
  head,
  source,
  target,
});

function route(...steps: ListedStep[]): ListedRoute {
  return { rank: 7, steps, log_weight: 0, sign: 1 } as unknown as ListedRoute;
}

// From token 3 of the encoder over its MLP and the cross-attention; and one that starts in the decoder.
const crossing = route(step(0, "skip", 3, 3, null), step(0, "mlp", 3, 3, null), step(2, "value", 3, 1, 1));
const staying = route(step(1, "query", 1, 1, 0), step(2, "skip", 1, 1, null));

describe("a route", () => {
  const cases: [string, Parameters<typeof partOf>[0], boolean, boolean][] = [
    ["its first token", { token: 3 }, true, false],
    ["a token of the other stream", { token: 3, stream: 1 }, false, false],
    ["a token of the decoder", { token: 1, stream: 1 }, false, true],
    ["a head", { layer: 2, head: 1 }, true, false],
    ["another head", { layer: 2, head: 0 }, false, false],
    ["the attention of a layer", { layer: 1 }, false, true],
    ["a layer that it skips", { layer: 0 }, false, false],
    ["a cell", { layer: 0, token: 3 }, true, false],
    ["a cell of the decoder by the cross-attention", { layer: 2, token: 3 }, false, false],
    ["a cell that it stays in", { layer: 2, token: 1 }, false, true],
    ["a way", { layer: 0, branch: "mlp" }, true, false],
    ["a way around", { layer: 1, branch: "mlp_skip" }, false, true],
  ];
  it.each(cases)("passes %s or not", (_, part, one, other) => {
    expect(passes(crossing, partOf(part), layers)).toBe(one);
    expect(passes(staying, partOf(part), layers)).toBe(other);
  });
});

describe("the routes through a selection", () => {
  const ranking: Ranking = {
    by: "best",
    routes: [staying, crossing, staying],
    missed: Math.log(0.5),
    uncovered: 0.1,
    rest: 0,
    remark: "",
    families: [],
  };

  it("tell a bound only where it says something", () => {
    const sized = { ...staying, contribution: 0.5 };
    const remark = (missed: number) =>
      through({ ...ranking, by: "contribution", routes: [sized], missed }, [], layers).remark;
    expect(remark(0.75)).toContain("can contribute more than +0.75.");
    expect(remark(1e13)).toContain("Found by a search that may miss some.");
  });

  it("are the listed ones that pass all parts, with what others can have at most", () => {
    const found = through(ranking, [partOf({ token: 3 }), partOf({ layer: 2, head: 1 })], layers);
    expect(found.routes).toEqual([{ ...crossing, rank: 0 }]);
    expect(found.remark).toContain("1 of the first 3 routes");
    expect(found.remark).toContain("at most 0.5");
  });

  it("are five at most, and what others can have is known of the sixth", () => {
    const sizes = [0, -1, -2, -3, -4, Math.log(0.7), -6];
    const routes = sizes.map((log_weight) => ({ ...crossing, log_weight }));
    const found = through({ ...ranking, routes }, [partOf({ token: 3 })], layers);
    expect(found.routes.map(({ rank }) => rank)).toEqual([0, 1, 2, 3, 4]);
    expect(found.remark).toContain("7 of the first 7 routes");
    expect(found.remark).toContain("at most 0.7");
  });

  it("may be none, and are all where nothing is missing", () => {
    const found = through({ ...ranking, missed: null }, [partOf({ layer: 0, head: 0 })], layers);
    expect(found.routes).toEqual([]);
    expect(found.remark).toContain("There are no others.");
  });

  it("keep the number of a family that passes as a whole, and of all others none", () => {
    const routes = [staying, crossing, crossing].map((route, rank) => ({ ...route, rank }));
    const kind = { label: "", sentence: "", share: 0.5, steps: [step(2, "value", 3, 1, 1)] };
    const families = [
      { ...kind, contribution: 1, routes: [0] },
      { ...kind, contribution: 2, routes: [1, 2] },
    ];
    const found = through({ ...ranking, routes, families }, [partOf({ token: 3 })], layers);
    expect(found.families).toEqual([{ ...kind, contribution: 2, routes: [0, 1] }]);
    expect(found.rest).toBeNull();
    // The MLPs are what sets the routes of a family apart.
    const parts = [partOf({ layer: 0, branch: "mlp" })];
    expect(through({ ...ranking, routes, families }, parts, layers).families).toEqual([]);
  });
});
