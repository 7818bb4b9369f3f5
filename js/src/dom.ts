/** Elements without a framework. Text only ever becomes a text node, so a token can never become HTML. */

export type Attributes = Record<string, string | number | boolean | null | undefined>;
type Child = Node | string | null;

const SVG = "http://www.w3.org/2000/svg";

function fill<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    element.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children) if (child !== null) element.append(child);
  return element;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

export function svg<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag) as SVGElementTagNameMap[K], attributes, children);
}

/** Attributes of something that can be clicked: its facets, its state, its name for screen readers. */
export function item(facets: Attributes, pressed: boolean, label: string): Attributes {
  const data = Object.fromEntries(
    Object.entries(facets)
      .filter(([, value]) => value !== null && value !== undefined)
      .map(([name, value]) => [`data-${name}`, value]),
  );
  return { ...data, "data-item": true, tabindex: -1, "aria-pressed": String(pressed), "aria-label": label };
}
