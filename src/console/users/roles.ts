import { api, dataOf } from "../api/client.ts";

/** Gives a user a role, then takes those that he had: what fails in between leaves him one more, and never none. */
export async function giveRole(userId: number, role: string, before: readonly string[]): Promise<void> {
  const at = (name: string) => ({ params: { path: { id: String(userId), role: name } } });
  if (!before.includes(role)) await dataOf(api.PUT("/api/v1/users/{id}/roles/{role}", at(role)));
  for (const other of before.filter((name) => name !== role)) {
    await dataOf(api.DELETE("/api/v1/users/{id}/roles/{role}", at(other)));
  }
}
