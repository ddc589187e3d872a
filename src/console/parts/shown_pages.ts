/** How many pages there are to choose from; 0 where there is no choice. Who is behind the end is led back. */
export function shownPages(page: number, pages: number): number {
  return pages <= 1 && page <= 1 ? 0 : Math.max(1, pages);
}
