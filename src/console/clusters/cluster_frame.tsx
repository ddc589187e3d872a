import { Anchor } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { Link, useLocation, useParams } from "react-router";
import { isBelow } from "../frame/sections.ts";
import { Loaded } from "../parts/loaded.tsx";
import { PageTitle } from "../parts/page_title.tsx";
import { PATHS, pathTo } from "../paths.ts";
import { useText } from "../text/use_text.tsx";
import { type Cluster, clusterQuery } from "./cluster.ts";

/** What is around the pages of one cluster: its name, and the way to its other pages. */
export function ClusterFrame({ children }: { readonly children: (cluster: Cluster) => ReactNode }) {
  const { id = "" } = useParams();
  const query = useQuery(clusterQuery(id));
  const { clusters } = useText();
  return (
    <Loaded query={query}>
      {(cluster) => (
        <>
          <Anchor component={Link} to={PATHS.clusters} size="sm">{clusters.title}</Anchor>
          <PageTitle>{cluster.name}</PageTitle>
          <Parts id={id} />
          {children(cluster)}
        </>
      )}
    </Loaded>
  );
}

function Parts({ id }: { readonly id: string }) {
  const { clusters } = useText();
  const { pathname } = useLocation();
  const parts = [
    { path: PATHS.cluster, label: clusters.details },
    { path: PATHS.schedulers, label: clusters.schedulers },
    { path: PATHS.seedPeers, label: clusters.seedPeers },
    { path: PATHS.peers, label: clusters.peers },
  ].map(({ path, label }) => ({ to: pathTo(path, { id }), label }));
  // The longest that fits: the details are at the beginning of all other paths.
  const current = parts.findLast(({ to }) => isBelow(pathname, to));
  return (
    <nav aria-label={clusters.tabs} className="parts">
      {parts.map((part) => (
        <Link key={part.to} to={part.to} {...(part === current ? { "aria-current": "page" as const } : {})}>
          {part.label}
        </Link>
      ))}
    </nav>
  );
}
