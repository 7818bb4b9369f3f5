// @vitest-environment happy-dom
import { beforeEach, describe, expect, it, vi } from "vitest";
import { Frames } from "./frames";

beforeEach(() => vi.useFakeTimers());

describe("frames", () => {
  it("do every job once, however often it is asked for", () => {
    const frames = new Frames();
    const [one, other] = [vi.fn(), vi.fn()];
    for (let times = 0; times < 5; times++) frames.request(one);
    frames.request(other);
    expect(one).not.toHaveBeenCalled();
    vi.advanceTimersByTime(20);
    expect(one).toHaveBeenCalledTimes(1);
    expect(other).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(100);
    expect(one).toHaveBeenCalledTimes(1);
  });

  it("do what a job asks for in the same frame, and go on after one that fails", () => {
    const frames = new Frames();
    const draw = vi.fn();
    frames.request(() => frames.request(draw));
    vi.advanceTimersByTime(20);
    expect(draw).toHaveBeenCalledTimes(1);
    frames.request(() => {
      throw new Error("a job");
    });
    expect(() => vi.advanceTimersByTime(20)).toThrow("a job");
    frames.request(draw);
    vi.advanceTimersByTime(20);
    expect(draw).toHaveBeenCalledTimes(2);
  });

  it("leave what can wait until a frame is on screen", () => {
    const frames = new Frames();
    const order: string[] = [];
    frames.afterwards(() => order.push("afterwards"));
    frames.request(() => order.push("drawn"));
    vi.advanceTimersByTime(40);
    expect(order).toEqual(["drawn", "afterwards"]);
  });
});
