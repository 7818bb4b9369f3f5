/** What every part of the view is drawn from. */

import type { Columns } from "../columns";
import type { Store } from "../store";
import type { OverlayHeader } from "./contract";

export interface Known {
  header: OverlayHeader;
  columns: Columns;
  store: Store;
  signal: AbortSignal;
}
