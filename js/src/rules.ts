/** Which number an edge carries, in words: `semiring_widgets.rules` says what each rule is. */

import { SETTINGS } from "./ask/settings";

const RULES: Readonly<Record<string, string>> = SETTINGS.rules.choices;

/** What an edge carries; a rule of the reader's own goes by its name. */
export const carried = (rules: string): string => RULES[rules] ?? `a number by the rule “${rules}”`;
