import { Alert } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { overviewQuery } from "../overview/overview.ts";
import { Failure } from "../parts/failure.tsx";
import { useText } from "../text/use_text.tsx";

/** Says what is not counted where peers of another make are: nothing is shown where there are none. */
export function Unknown() {
  const { savings } = useText();
  // Clusters change seldom: it is not asked for again and again, as where it is watched.
  const { data, error } = useQuery({ ...overviewQuery, refetchInterval: false });
  if (data === undefined && error !== null) return <Failure error={error} />;
  const mixed = data?.clusters.filter(({ stock_peers }) => stock_peers > 0) ?? [];
  if (mixed.length === 0) return null;
  const names = mixed.map(({ name, stock_peers }) => `${name} (${stock_peers})`).join(", ");
  return <Alert color="blue" mb="md" title={savings.unknown}>{savings.unknownHint(names)}</Alert>;
}
