/** For tests: the message of an explanation that was tested, with an answer, families and a log. */

import { fromBase64 } from "./columns";
import type { Column, ExplanationHeader, ListedStep, Part, Ranking } from "./contract";

interface Message {
  header: unknown;
  buffer: string;
}

export const part = (target: Partial<Part>): Part => ({
  ...{ layer: null, branch: null, head: null, token: null, stream: 0 },
  ...target,
});

/** The route that the first family takes: by head 1·1 from token 2 to token 8. */
export const STEPS: readonly ListedStep[] = [{ layer: 1, branch: "value", head: 1, source: 2, target: 8 }];

/** The effects by place: what is measured of tokens, heads and MLPs, and estimated of cells. */
const EFFECTS: Record<string, (index: number) => number> = {
  token_effect: (index) => (index === 1 ? 4 : index === 4 ? -1 : 0.1),
  token_contribution: (index) => (index === 1 ? 2.5 : 0.05),
  head_effect: (index) => (index === 3 ? 3.5 : -0.2),
  head_contribution: (index) => (index === 3 ? 3 : -0.1),
  mlp_effect: (index) => 0.5 * index,
  mlp_contribution: (index) => 0.4 * index,
  node_effect: (index) => (index === 0 ? -8 : Number.NaN),
  node_contribution: (index) => (index === 10 ? 2 : 0),
};

export function withEffects(message: Message | undefined): Message {
  const header = structuredClone(message?.header) as ExplanationHeader;
  const [tokens, layers, heads] = [header.streams[0]?.tokens.length ?? 0, header.layers.length, 2];
  const shapes: Record<string, number[]> = {
    token: [tokens],
    head: [layers, heads],
    mlp: [layers],
    node: [layers, tokens],
  };
  const bytes = [...fromBase64(message?.buffer ?? "")];
  const columns: Column[] = header.columns.filter(({ name }) => !(name in EFFECTS));
  for (const [name, value] of Object.entries(EFFECTS)) {
    const shape = shapes[name.split("_")[0] ?? ""] ?? [];
    const size = shape.reduce((one, other) => one * other, 1);
    const numbers = new Float32Array(Array.from({ length: size }, (_, index) => value(index)));
    columns.push({ name, shape, dtype: "float32", offset: bytes.length, nbytes: numbers.byteLength });
    bytes.push(...new Uint8Array(numbers.buffer));
  }
  const rankings = header.rankings.map((ranking): Ranking => {
    if (ranking.by !== "contribution") return { ...ranking, families: [] };
    const [other, first, ...rest] = ranking.routes;
    if (other === undefined || first === undefined) throw new Error("too few routes in the fixture");
    const mlp: ListedStep = { layer: 0, branch: "mlp", head: null, source: 2, target: 2 };
    const variant = { ...first, steps: [...first.steps.slice(0, 1), mlp, ...first.steps.slice(1)] };
    const routes = [first, variant, other, ...rest].map((route, rank) => ({ ...route, rank }));
    const family = { label: first.label, sentence: "", contribution: 2.25, share: 0.5, routes: [0, 1] };
    return { ...ranking, routes, families: [{ ...family, steps: STEPS }] };
  });
  return {
    header: {
      ...header,
      columns,
      rankings,
      reference: {
        kind: "mask",
        label: "[MASK] in the place of every token",
        score: -0.5,
        streams: [],
        aligned: [],
      },
      answer: [
        {
          kind: "words",
          text: "The model says *are* rather than *is*, mostly because of *keys*.",
          parts: [part({ token: 1 })],
        },
        {
          kind: "route",
          text: "Head 1·1 reads *to* at the blank.",
          parts: [part({ layer: 1, head: 1 }), part({ token: 2 })],
        },
      ],
      tests: [
        {
          ...{ parts: [part({ token: 1 })], steps: [], by: "reference", label: "keys → [MASK]" },
          ...{ before: 3.25, after: -0.75, predicted: 2.5 },
        },
      ],
      correlations: [{ kind: "heads", rank_correlation: 0.93 }],
    },
    buffer: btoa(String.fromCharCode(...bytes)),
  };
}

/** The same message as an older file has it: nothing was tested. */
export function withoutEffects(message: Message | undefined): Message {
  const header = structuredClone(message?.header) as ExplanationHeader;
  const columns = header.columns.filter(({ name }) => !(name in EFFECTS));
  const nothing = { reference: null, answer: [], tests: [], correlations: [] };
  return { header: { ...header, ...nothing, columns }, buffer: message?.buffer ?? "" };
}
