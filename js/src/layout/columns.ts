/** How wide a pane is that stands beside another where there is room: `styles/columns.css` says the same. */

const TWO = 720;
const BETWEEN = 26;

/** The width of one of some pictures beside each other, over all columns; below each other where they are narrow. */
export const shareOf = (space: number, count: number): number =>
  space >= TWO ? Math.floor((space - BETWEEN * (count - 1)) / count) : space;

export const columnOf = (space: number): number => (space >= TWO ? Math.floor((space - BETWEEN) / 2) : space);
