import { describe, expect, it } from "vitest";
import type { ExplanationHeader, ListedRoute, ListedStep, Ranking } from "./contract";
import { fixtures } from "./fake-model";
import { elseOf, familiesOf, totalOf } from "./families";
import { factsOf, stepsOf, variantOf, wayOf } from "./route-words";

const summary = fixtures.answered?.header as ExplanationHeader;

const step = (layer: number, branch: ListedStep["branch"], source: number, target = source): ListedStep => ({
  ...{ layer, branch, source, target },
  head: ["skip", "mlp"].includes(branch) ? null : 1,
});

const READ = step(1, "value", 1, 5);

function route(rank: number, contribution: number, ...steps: ListedStep[]): ListedRoute {
  const all = { label: `r${rank}`, log_weight: -1 - rank, sign: rank === 2 ? -1 : 1, share: 0.1 };
  const rest = { share_of_best: 1, probability: 0, log_mass: 0, cancellation: 1, all_skip: false };
  return { rank, contribution, steps, sentence: "", ...all, ...rest };
}

const routes = [
  route(0, 2, step(0, "skip", 1), READ, step(2, "skip", 5)),
  route(1, 1, step(0, "skip", 1), step(0, "mlp", 1), READ, step(2, "skip", 5)),
  route(2, -1, step(0, "skip", 5), step(1, "skip", 5), step(2, "skip", 5)),
];
const ranking: Ranking = {
  ...{ by: "contribution", routes, missed: 0.5, uncovered: 0.25, rest: 0.5, remark: "", families: [] },
};

describe("families", () => {
  it("fold routes that differ only in MLPs, and add them up", () => {
    const [reading, staying, ...none] = familiesOf(ranking);
    expect(none).toEqual([]);
    expect(reading).toMatchObject({ index: 0, value: 3, exact: false, negative: false, steps: [READ] });
    expect(reading?.routes.map(({ rank }) => rank)).toEqual([0, 1]);
    expect(reading?.drawn.map(({ branch }) => branch)).toEqual(["skip", "value", "skip"]);
    expect(staying).toMatchObject({ index: 1, value: -1, negative: true, steps: [] });
  });

  it("have the exact number that was sent, and routes that are in none stand alone", () => {
    const sent = {
      label: "V",
      sentence: "Of *keys*.",
      contribution: 3.5,
      share: 1,
      routes: [0, 1],
      steps: [READ],
    };
    const [reading, staying] = familiesOf({ ...ranking, families: [sent] });
    expect(reading).toMatchObject({ value: 3.5, exact: true, label: "V", sentence: "Of keys." });
    expect(staying?.routes.map(({ rank }) => rank)).toEqual([2]);
  });

  it("have the number of the ranking", () => {
    expect(familiesOf({ ...ranking, by: "best" }).map(({ value }) => value)).toEqual([-1, -3]);
    expect(familiesOf({ ...ranking, by: "best" }).map(({ negative }) => negative)).toEqual([false, true]);
    const mass = familiesOf({ ...ranking, by: "mass" });
    expect(mass.map(({ value }) => value)).toEqual([0.2, 0.1]);
    // A mass has no sign.
    expect(mass.some(({ negative }) => negative)).toBe(false);
  });

  it("leave for everything else what no family has", () => {
    expect(totalOf(ranking)).toBe(2.5);
    expect(elseOf(ranking, familiesOf(ranking))).toBe(0.5);
    const sent = { label: "V", sentence: "", contribution: 3.5, share: 1, routes: [0, 1], steps: [READ] };
    // Half of what the others have is in the family, although it is not listed.
    expect(elseOf(ranking, familiesOf({ ...ranking, families: [sent] }))).toBe(0);
    const mass: Ranking = { ...ranking, by: "mass" };
    expect(elseOf(mass, familiesOf(mass))).toBeCloseTo(0.25);
    expect(elseOf({ ...ranking, by: "best" }, [])).toBe(0.5);
    expect(elseOf({ ...ranking, rest: null }, familiesOf(ranking))).toBeNull();
  });
});

describe("a route in words", () => {
  const [reading, staying] = familiesOf(ranking);

  it("is the way it goes and who carries it", () => {
    if (reading === undefined || staying === undefined) return expect.fail("no families");
    expect(wayOf(reading, summary)).toBe("keys → [MASK]");
    expect(stepsOf(reading, summary)).toBe("head 1·1 reads keys at [MASK]");
    expect(stepsOf({ ...reading, sentence: "As it was told." }, summary)).toBe("As it was told.");
    expect(wayOf(staying, summary)).toBe("[MASK] by itself");
    expect(stepsOf(staying, summary)).toBe("stays on the skip connections");
  });

  it("names the heads only where it is long, and all steps where that is asked for", () => {
    const long = { sentence: "", steps: [step(0, "query", 4), step(1, "key", 4, 5), READ] };
    expect(stepsOf(long, summary)).toBe("by the heads 0·1, 1·1, 1·1");
    expect(stepsOf(long, summary, true)).toBe(
      "head 0·1 at cabinet chooses where to look, then head 1·1 at [MASK] turns to cabinet, then head 1·1 reads keys at [MASK]",
    );
  });

  it("says what sets it apart from its kind, and all its numbers", () => {
    expect(routes.map(variantOf)).toEqual(["past all MLPs", "through the MLP of layer 0", "past all MLPs"]);
    const all = routes[2] ?? expect.fail("no route");
    expect(factsOf(all)).toBe(
      "r2; best path −0.0498 (100 % of the best); mass 1 (10 % of all); contribution −1; cancellation 1",
    );
  });
});
