/** The numbers of all charts as tables: for whoever does not see charts, and for copying. */

import { html, type TemplateResult } from "lit-html";
import { number, percent, signed } from "../layout/numbers";
import type { Aggregates } from "./aggregates";
import type { CorpusHeader } from "./contract";
import { ordered, partName, shareOf } from "./sources";

const PLACE = "scrolled";

export function tablesOf(header: CorpusHeader, of: Aggregates): TemplateResult {
  return html`${means(header, of)}${parts(header, of)}${flows(header, of)}${bins(header, of)}`;
}

const table = (label: string, head: readonly string[], rows: readonly (readonly string[])[]) => html`
  <div class=${PLACE} role="region" tabindex="0" aria-label=${label}><table><caption>${label}</caption>
    <thead><tr>${head.map((name) => html`<th scope="col">${name}</th>`)}</tr></thead>
    <tbody>${rows.map(
      ([first, ...others]) =>
        html`<tr><th scope="row">${first}</th>${others.map((one) => html`<td>${one}</td>`)}</tr>`,
    )}</tbody></table></div>`;

function means({ groups, numbers, by }: CorpusHeader, of: Aggregates): TemplateResult {
  const head = [by || "group", "texts", "target preferred", ...numbers.map(({ label }) => `mean ${label}`)];
  const there = groups.flatMap((own, group) => ((of.count[group] ?? 0) > 0 ? [{ ...own, group }] : []));
  const rows = there.map(({ name, group }) => [
    name,
    `${of.count[group] ?? 0}`,
    percent(of.right[group] ?? Number.NaN),
    ...numbers.map((_, place) => number(of.mean[place * groups.length + group] ?? Number.NaN)),
  ]);
  return table("Means of the chosen texts", head, rows);
}

function parts(header: CorpusHeader, of: Aggregates): TemplateResult {
  const row = (place: number, name: string, order: string) => [
    name,
    signed(of.part_mean[place] ?? Number.NaN),
    signed(of.part_low[place] ?? Number.NaN),
    signed(of.part_high[place] ?? Number.NaN),
    `${of.part_count[place] ?? 0}`,
    order,
  ];
  const rows = ordered(header, of).map(({ place, part, resolved }) =>
    row(place, partName(part), resolved ? "resolved" : "not resolved"),
  );
  const layers = header.parts.flatMap((part, place) =>
    part.kind === "layer" ? [row(place, partName(part), "–")] : [],
  );
  const head = ["part", `mean ${header.of}`, "low", "high", "texts", "order"];
  return table(`Heads, MLPs and layers: mean ${header.of} with 95 % interval`, head, [...rows, ...layers]);
}

function flows(header: CorpusHeader, of: Aggregates): TemplateResult {
  const { groups, layers, branches } = header;
  const rows = groups.flatMap(({ name }, group) =>
    (of.count[group] ? layers : []).map((layer, place) => [
      `${name}, layer ${layer}`,
      ...branches.map((_, branch) => percent(shareOf(header, of, group, place, branch))),
    ]),
  );
  return table("Share of the mass by layer and branch", ["group and layer", ...branches.map(plain)], rows);
}

function bins({ numbers, groups, bins: count }: CorpusHeader, of: Aggregates): TemplateResult[] {
  return numbers.map(({ label, low, high }, place) => {
    const edge = (bin: number) => number((low ?? 0) + (((high ?? 0) - (low ?? 0)) * bin) / count, 3);
    const rows = Array.from({ length: count }, (_, bin) => [
      `${edge(bin)} to ${edge(bin + 1)}`,
      ...groups.map((_, group) => `${of.histogram[(place * groups.length + group) * count + bin] ?? 0}`),
    ]);
    return table(`Texts by ${label}`, [label, ...groups.map(({ name }) => name)], rows);
  });
}

const plain = (branch: string): string => branch.replace("_", " ");
