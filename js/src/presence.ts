/** One view and its kernel, each telling the other that it is there. */

import type { Notice } from "./contract";
import { silence, watchSilence } from "./silence";
import type { Store } from "./store";
import type { Connection, Model } from "./transport";

/** How often a view asks for what it has not got, until it says so. */
export const TRIES = 5;

export class Presence {
  private readonly view = `${Math.random()}`;

  constructor(
    model: Model,
    private readonly store: Store,
    private readonly connection: Connection,
    signal: AbortSignal,
  ) {
    const doubt = () => this.doubt();
    // Jupyter's hosts say so when the kernel was started again.
    model.on("comm_live_update", doubt);
    watchSilence(store, doubt, signal);
    signal.addEventListener("abort", () => {
      model.off("comm_live_update", doubt);
      this.tell("gone");
    });
    // A page that is loaded again is no decision against what runs.
    window.addEventListener("pagehide", () => this.tell("left"), { signal });
    window.addEventListener("pageshow", ({ persisted }) => persisted && this.tell("shown"), { signal });
  }

  /** Ask for what is known by now; again where nothing is on screen yet, as hosts lose what is said first. */
  pull(tries = TRIES): void {
    const refused = (error: string) => this.store.update({ error });
    const unanswered = () => {
      const { summary } = this.store.state;
      if (summary === null && tries > 1) return this.pull(tries - 1);
      // It has said something else meanwhile.
      if (summary !== null && this.connection.known) return;
      this.store.update({ silent: silence(this.store.state) });
      // Nor will it answer whatever else it was asked.
      this.connection.forget("pull");
      this.connection.giveUp();
    };
    this.tell("shown");
    this.connection.request({ type: "pull" }, { answered: () => {}, refused, unanswered });
  }

  private tell(type: Notice["type"]): void {
    this.connection.tell({ type, view: this.view });
  }

  /** The kernel may be gone, whatever it has said before. */
  private doubt(): void {
    this.connection.doubt();
    this.pull(1);
  }
}
