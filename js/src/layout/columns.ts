/** How wide a pane is that stands beside another where there is room: `styles/columns.css` says the same. */

const TWO = 720;
const BETWEEN = 26;

export const columnOf = (space: number): number => (space >= TWO ? Math.floor((space - BETWEEN) / 2) : space);
