/** Elements that are made once. Text only ever becomes a text node, so a token can never become HTML. */

type Attributes = Record<string, string | number>;
type Child = Node | string;

const SVG = "http://www.w3.org/2000/svg";

/** Set attributes, those that have the value already left alone: whoever watches would see a change. */
export function put(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes))
    if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

function fill<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  put(element, attributes);
  element.append(...children);
  return element;
}

export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(tag), attributes, children);
}

export function svgElement<K extends keyof SVGElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  return fill(document.createElementNS(SVG, tag) as SVGElementTagNameMap[K], attributes, children);
}
