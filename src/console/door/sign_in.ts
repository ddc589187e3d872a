import { api, dataOf } from "../api/client.ts";

/** Opens a session: the answer sets its cookie. */
export async function signIn(name: string, password: string): Promise<void> {
  await dataOf(api.POST("/api/v1/users/signin", { body: { name, password } }));
}

/** Where to go after signing in: a page of this console that was asked for, else the first one. */
export function pageAfter(search: string): string {
  const to = new URLSearchParams(search).get("to") ?? "/";
  // "//host" and "/\host" are other sites to a browser.
  return /^\/(?![/\\])/.test(to) ? to : "/";
}
