/** The number of pages of a list, by the `Link` header of one of them; 0 for an empty list or no header. */
export function lastPage(link: string | null): number {
  const target = /<([^>]*)>;rel=last/.exec(link ?? "")?.[1];
  return Number(new URLSearchParams(target?.split("?")[1]).get("page") ?? 0);
}
