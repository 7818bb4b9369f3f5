/** What was shown before, and what one came back from: as a browser keeps pages. */

export class History<T> {
  private past: T[] = [];
  private future: T[] = [];

  /** @param same whether two are the same place; @param most that are kept. */
  constructor(
    private current: T,
    private readonly same: (one: T, other: T) => boolean,
    private readonly most = 100,
  ) {}

  /** Go somewhere new; what was ahead is gone. */
  visit(next: T): void {
    if (this.same(next, this.current)) return;
    this.past = [...this.past, this.current].slice(-this.most);
    this.current = next;
    this.future = [];
  }

  back(): T | null {
    const last = this.past.pop();
    if (last === undefined) return null;
    this.future.push(this.current);
    this.current = last;
    return last;
  }

  forward(): T | null {
    const next = this.future.pop();
    if (next === undefined) return null;
    this.past.push(this.current);
    this.current = next;
    return next;
  }

  get can(): { back: boolean; forward: boolean } {
    return { back: this.past.length > 0, forward: this.future.length > 0 };
  }
}
