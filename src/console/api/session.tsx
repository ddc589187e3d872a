import { useQuery, useQueryClient } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { api, dataOf, type Schemas } from "./client.ts";

export type Session = Schemas["Session"];
/** Somebody with an account. */
export type User = Omit<Schemas["User"], "configs">;
/** A session of somebody. */
export type SignedIn = Omit<Session, "user"> & { readonly user: User };

const KEY = ["session"];

/** Who is signed in, asked of the manager. */
export function useSessionQuery() {
  return useQuery({ queryKey: KEY, queryFn: () => dataOf(api.GET("/api/v1/session")), staleTime: Infinity });
}

/** Forgets all that was read for one user, and asks who is signed in now. */
export function useNewSession(): () => Promise<void> {
  const client = useQueryClient();
  return async () => {
    client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] });
    await client.invalidateQueries({ queryKey: KEY });
  };
}

/** The session below a page that needs one. */
export const SessionContext = createContext<SignedIn | undefined>(undefined);

export function useSession(): SignedIn {
  const session = useContext(SessionContext);
  if (session === undefined) throw new Error("A page that needs a session is outside of the frame");
  return session;
}

/** Whether the roles of a session allow something. */
export function mayDo({ permissions }: Pick<Session, "permissions">, object: string, action: "read" | "*"): boolean {
  return permissions.some((allowed) =>
    allowed.object === object && (allowed.action === "*" || allowed.action === action)
  );
}

/** {@link mayDo} for whoever is signed in. */
export function useMay(object: string, action: "read" | "*" = "*"): boolean {
  return mayDo(useSession(), object, action);
}
