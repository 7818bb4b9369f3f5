/** The sentence: every token tinted by one of several quantities. */

import type { ExplanationHeader } from "../contract";
import { h, item } from "../dom";
import { atToken, isSigned, measureOf, measuresOf, ofAllPaths, tints, worded } from "../measures";
import { covers } from "../selection";
import type { State } from "../store";

export function ribbon(state: State, summary: ExplanationHeader): HTMLElement {
  const measure = measureOf(state, summary);
  const choice = h(
    "select",
    { "data-measure": true, "aria-label": "quantity that tints the tokens" },
    ...measuresOf(summary).map(({ name, label, unit }) =>
      h(
        "option",
        { value: name, selected: name === measure.name },
        unit === "" ? label : `${label} (${unit})`,
      ),
    ),
  );
  const rows = summary.streams.map((stream, index) => {
    const numbers = stream.tokens.map((token) =>
      index === 0 ? atToken(state, measure, token.index) : Number.NaN,
    );
    const strengths = tints(measure, numbers);
    const name = summary.streams.length > 1 ? h("span", { class: "stream" }, stream.name) : null;
    const tokens = stream.tokens.map((token) => {
      const value = numbers[token.index] ?? Number.NaN;
      const facets = { token: token.index, stream: index };
      const pressed = covers(state.selection, facets);
      const label = `${token.text}: ${measure.label} ${worded(measure, value)}`;
      const minus = isSigned(measure) && value < 0;
      return h(
        "button",
        {
          ...item(facets, pressed, label),
          type: "button",
          class: `token${token.special ? " special" : ""}${minus ? " negative" : ""}`,
          title: label,
          style: `--tint:${(strengths[token.index] ?? 0).toFixed(3)}`,
        },
        token.text || token.raw,
      );
    });
    return h("div", { class: "sentence" }, name, ...tokens);
  });
  const remark = ofAllPaths(state, measure)
    ? h("span", { class: "hint" }, " of all paths: not known for the selection")
    : null;
  return h(
    "section",
    { "data-pane": "tokens", "aria-label": "sentence" },
    h("label", {}, "Tint: ", choice),
    remark,
    ...rows,
  );
}
