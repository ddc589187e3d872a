import { Pagination } from "@mantine/core";
import { useText } from "../text/use_text.tsx";

/** Chooses a page of a list; nothing where there is only one, but a way back for who is behind the end. */
export function Pager(
  { page, pages, onPage }: {
    readonly page: number;
    readonly pages: number;
    readonly onPage: (page: number) => void;
  },
) {
  const { common } = useText();
  if (pages <= 1 && page <= 1) return null;
  return (
    <Pagination
      mt="md"
      size="sm"
      value={page}
      total={Math.max(1, pages)}
      onChange={onPage}
      getItemProps={(number) => ({ "aria-label": common.pageOf(number, pages) })}
      getControlProps={(control) => ({ "aria-label": `${common.pages}: ${control}` })}
      aria-label={common.pages}
      component="nav"
    />
  );
}
