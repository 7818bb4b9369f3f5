/** The sentence: every token tinted by one of several quantities. */

import type { ExplanationHeader } from "../contract";
import { h, item } from "../dom";
import { logTint, peakOf, percent, tint } from "../layout/numbers";
import { covers } from "../selection";
import { flowAt, type State } from "../store";

export const MEASURES: Record<string, string> = {
  token_mass_share: "share of mass",
  token_best_log_weight: "best path",
  token_entropy: "entropy (nats)",
  token_gradient_norm: "gradient norm",
  token_gradient_x_input: "gradient × input",
  token_log_cancellation: "cancellation (log)",
};

export function ribbon(state: State, summary: ExplanationHeader): HTMLElement {
  const choice = h(
    "select",
    { "data-measure": true, "aria-label": "quantity that tints the tokens" },
    ...Object.entries(MEASURES).map(([name, label]) =>
      h("option", { value: name, selected: name === state.measure }, label),
    ),
  );
  const rows = summary.streams.map((stream, index) => {
    const count = stream.tokens.length;
    const numbers = Array.from({ length: count }, (_, token) =>
      index === 0 ? flowAt(state, state.measure, token) : Number.NaN,
    );
    const peak = peakOf(numbers.map((n) => (state.measure.includes("log") ? n : Math.abs(n))));
    const name = summary.streams.length > 1 ? h("span", { class: "stream" }, stream.name) : null;
    const tokens = stream.tokens.map((token) => {
      const value = numbers[token.index] ?? Number.NaN;
      const facets = { token: token.index, stream: index };
      const pressed = covers(state.selection, facets);
      const shown = state.measure.endsWith("share")
        ? percent(value)
        : Number.isNaN(value)
          ? "not known"
          : value.toPrecision(4);
      const label = `${token.text}: ${MEASURES[state.measure] ?? ""} ${shown}`;
      const strength = state.measure.includes("log") ? logTint(value, peak) : tint(value, peak);
      return h(
        "button",
        {
          ...item(facets, pressed, label),
          type: "button",
          class: `token${token.special ? " special" : ""}${value < 0 && !state.measure.includes("log") ? " negative" : ""}`,
          title: label,
          style: `--tint:${strength.toFixed(3)}`,
        },
        token.text || token.raw,
      );
    });
    return h("div", { class: "sentence" }, name, ...tokens);
  });
  return h(
    "section",
    { "data-pane": "tokens", "aria-label": "sentence" },
    h("label", {}, "Tint: ", choice),
    ...rows,
  );
}
