import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Waiting } from "../frame/waiting.tsx";
import { Failure } from "./failure.tsx";

/** What a query has found; until then that it is waited for, and why it failed when it did. */
export function Loaded<T>(
  { query, children }: { readonly query: UseQueryResult<T, Error>; readonly children: (data: T) => ReactNode },
) {
  const { data, error, refetch } = query;
  if (data !== undefined) {
    // What was read before stays in sight, with why there is nothing newer.
    return (
      <>
        {error !== null && <Failure error={error} retry={refetch} />}
        {children(data)}
      </>
    );
  }
  return error === null ? <Waiting /> : <Failure error={error} retry={refetch} />;
}
