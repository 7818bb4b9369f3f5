/** The names of the fields of what comes in, for the tests; written with `contract.ts`. */

import type { Incoming } from "./contract";

export const FIELDS: Record<Incoming["type"], string> = {
  explanation:
    "type version revision text model score streams status columns paths granularity level layers totals rankings statistics reference answer tests correlations rules arguments likeliest inquiry groups",
  comparison: "type version revision text model score streams status columns paths methods top_k reference",
  beside:
    "type version revision text model score streams status columns paths sides words layers statistics answer",
  conditioned: "type id selection log_share totals contribution avoiding among columns",
  routes: "type id by selection ranking among",
  test: "type id test",
  head_map: "type id layer head selection kinds peak columns",
  group: "type id groups",
  units: "type id selection hidden columns",
  path: "type id selection avoiding steps path",
  chart: "type id selection item dark",
  bokehjs: "type id version",
  error: "type id message",
  both: "type id selection log_shares refusals columns",
};
