/** Tests that a view asks for: what is known is taken, the rest is asked one after the other. */
import type { ListedStep, Selection, Test } from "./contract";
import type { Store } from "./store";
import { known, type Question, sameQuestion } from "./tested";
import type { Connection, Model } from "./transport";

export class TestQueue {
  constructor(
    private readonly model: Model,
    private readonly store: Store,
    private readonly connection: Connection,
  ) {}

  /** Test some parts together, or what a route carries; what is known already is not asked again. */
  ask(selection: Selection, steps: readonly ListedStep[] = []): void {
    const { summary, testing } = this.store.state;
    if (summary?.type !== "explanation") return;
    const question = { selection, steps };
    const found = known(this.store.state, summary, question) ?? this.model.tested?.(question) ?? null;
    if (found !== null) this.keep(found);
    else if (!testing.some((other) => sameQuestion(other, question))) {
      this.store.update({ testing: [...testing, question], untested: null });
      // One after the other: of two questions that wait at once only the later one would be answered.
      if (testing.length === 0) this.send(question);
    }
  }

  /** Whether there is an answer to a test without asking anybody. */
  holds(question: Question): boolean {
    return (this.model.tested?.(question) ?? null) !== null;
  }

  private keep(test: Test): void {
    this.store.update({ tests: [test, ...this.store.state.tests], untested: null });
  }

  private send(question: Question): void {
    const next = () => {
      const testing = this.store.state.testing.filter((other) => other !== question);
      this.store.update({ testing });
      if (testing[0] !== undefined) this.send(testing[0]);
    };
    this.connection.request(
      { type: "test", by: "reference", ...question },
      {
        answered: ({ test }) => {
          this.keep(test);
          next();
        },
        refused: (untested) => {
          this.store.update({ untested });
          next();
        },
      },
    );
  }
}
