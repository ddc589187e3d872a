import { useSearchParams } from "react-router";

/** The filters and the page of a list, kept in the address: so that a link shows the same, and the way back too. */
export function useListQuery() {
  const [search, setSearch] = useSearchParams();
  const page = Math.max(1, Math.trunc(Number(search.get("page") ?? 1)) || 1);
  const set = (patch: Readonly<Record<string, string>>) => {
    setSearch((before) => {
      const next = new URLSearchParams(before);
      next.delete("page");
      for (const [name, value] of Object.entries(patch)) {
        if (value === "") next.delete(name);
        else next.set(name, value);
      }
      return next;
    }, { replace: true });
  };
  return {
    page,
    valueOf: (name: string) => search.get(name) ?? "",
    set,
    setPage: (number: number) => set({ page: String(number) }),
  };
}
