import { Pagination } from "@mantine/core";
import { useText } from "../text/use_text.tsx";
import { shownPages } from "./shown_pages.ts";

/** Chooses a page of a list; nothing where there is only one, but a way back for who is behind the end. */
export function Pager(
  { page, pages, onPage }: {
    readonly page: number;
    readonly pages: number;
    readonly onPage: (page: number) => void;
  },
) {
  const { common } = useText();
  const total = shownPages(page, pages);
  if (total === 0) return null;
  return (
    <Pagination
      mt="md"
      size="sm"
      value={page}
      total={total}
      onChange={onPage}
      getItemProps={(number) => ({ "aria-label": common.pageOf(number, total) })}
      getControlProps={(control) => ({ "aria-label": `${common.pages}: ${control}` })}
      aria-label={common.pages}
      component="nav"
    />
  );
}
