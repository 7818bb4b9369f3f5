// @vitest-environment happy-dom
import { describe, expect, it } from "vitest";
import { h, put, svgElement } from "./dom";

describe("an element", () => {
  it("shows markup in its text as text", () => {
    const element = h("p", { title: '"><b>', class: "hint" }, "<b>bold</b>", h("i", {}, "&amp;"));
    expect(element.textContent).toBe("<b>bold</b>&amp;");
    expect(element.querySelector("b")).toBeNull();
    expect(element.title).toBe('"><b>');
  });

  it("of a picture is one of SVG, with its names as they are", () => {
    const picture = svgElement("svg", { viewBox: "0 0 1 1" }, svgElement("g"));
    expect(picture.namespaceURI).toBe("http://www.w3.org/2000/svg");
    expect(picture.firstElementChild?.namespaceURI).toBe("http://www.w3.org/2000/svg");
    expect(picture.getAttribute("viewBox")).toBe("0 0 1 1");
  });

  it("is not touched where an attribute has the value already", () => {
    const element = h("p", { "data-revision": 1 });
    const observer = new MutationObserver(() => {});
    observer.observe(element, { attributes: true });
    put(element, { "data-revision": 1 });
    expect(observer.takeRecords()).toEqual([]);
    put(element, { "data-revision": 2 });
    expect(observer.takeRecords()).toHaveLength(1);
  });
});
