import { Progress, Text } from "@mantine/core";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import type { Paged } from "../api/client.ts";
import { Confirmed } from "../parts/confirmed.tsx";
import { useText } from "../text/use_text.tsx";
import type { Service, ServiceQuery } from "./service_table.tsx";

const ROWS_AT_A_TIME = 100;

/** Removes all that have fallen silent, one after the other, and shows how far it is; who leaves the page ends it. */
export function RemoveInactive(
  { name, count, list, remove }: {
    readonly name: string;
    readonly count: number;
    readonly list: (query: ServiceQuery, signal: AbortSignal) => Promise<Paged<Service>>;
    readonly remove: (id: number) => Promise<unknown>;
  },
) {
  const { services } = useText();
  const queries = useQueryClient();
  const [done, setDone] = useState<number>();
  const leaving = useRef(new AbortController());
  useEffect(() => {
    leaving.current = new AbortController();
    return () => leaving.current.abort();
  }, []);
  const run = async () => {
    const { signal } = leaving.current;
    setDone(0);
    try {
      let removed = 0;
      while (true) {
        // What is removed makes room: the first page is always the next one.
        const { rows } = await list({ page: 1, per_page: ROWS_AT_A_TIME, state: "inactive" }, signal);
        if (rows.length === 0) return;
        for (const { id } of rows) {
          signal.throwIfAborted();
          await remove(id);
          setDone(++removed);
        }
      }
    } finally {
      await queries.invalidateQueries({ queryKey: [name] });
    }
  };
  return (
    <>
      {count > 0 && (
        <Confirmed
          label={services.removeInactive}
          title={services.removeInactive}
          hint={services.removeInactiveHint(count)}
          word="DELETE"
          run={run}
          onDone={() => setDone(undefined)}
        />
      )}
      {done !== undefined && (
        <div role="status">
          <Text size="sm">{services.removed(done, count)}</Text>
          <Progress value={count === 0 ? 100 : 100 * done / count} aria-label={services.removeInactive} />
        </div>
      )}
    </>
  );
}
