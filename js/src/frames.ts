/** At most one draw in a frame: whoever has something to draw says so, and the next frame draws all of it once. */

type Job = () => void;

export class Frames {
  private readonly jobs = new Set<Job>();
  private waiting = false;

  /** Do a job in the next frame, once, however often it is asked for until then; asked by another job, in this one. */
  request(job: Job): void {
    this.jobs.add(job);
    if (this.waiting) return;
    this.waiting = true;
    const run = () => {
      try {
        // What a job asks for is visited, too.
        for (const act of this.jobs) {
          this.jobs.delete(act);
          act();
        }
      } finally {
        this.waiting = false;
      }
    };
    // A page that nobody sees has no frames.
    if (document.hidden) setTimeout(run);
    else requestAnimationFrame(run);
  }

  /** Do a job once the next frame is on screen: what it draws can wait. */
  afterwards(job: Job): void {
    this.request(() => setTimeout(job));
  }
}
