/** People who sign in at once, in a process of their own: whoever measures calls meanwhile must not wait for them. */
import { realClock } from "../../../src/runtime/clock.ts";
import { type Part, serveAsPart, spawnPart } from "../part.ts";
import { nameOf, PASSWORD, PEOPLE } from "./content.ts";

const IP = "127.0.0.1";
const clock = realClock();

/** Everybody of the bench's database, at the door of a manager. */
export interface People extends AsyncDisposable {
  /** Signs all of them in at once; the milliseconds until each of them was, sorted. */
  signIn(): Promise<number[]>;
}

/** Brings the people to the REST port of a manager. */
export async function gatherPeople(restPort: number): Promise<People> {
  const part: Part = await spawnPart(import.meta.filename ?? "", "people", [String(restPort)]);
  return {
    async signIn() {
      const response = await fetch(`http://${IP}:${part.port}`);
      const text = await response.text();
      if (!response.ok) throw new Error(text);
      return JSON.parse(text) as number[];
    },
    [Symbol.asyncDispose]: () => part[Symbol.asyncDispose](),
  };
}

/** Signs somebody in; the token. */
export async function signIn(restPort: number, name: string, password: string): Promise<string> {
  const response = await fetch(`http://${IP}:${restPort}/api/v1/users/signin`, {
    method: "POST",
    body: JSON.stringify({ name, password }),
  });
  const { token } = await response.json();
  if (!response.ok) throw new Error(`${name} could not sign in: ${response.status}`);
  return token;
}

async function signInAll(restPort: number): Promise<Response> {
  const startedAt = clock.now();
  try {
    const times = await Promise.all(Array.from({ length: PEOPLE }, async (_, n) => {
      await signIn(restPort, nameOf(n), PASSWORD);
      return clock.now() - startedAt;
    }));
    return Response.json(times.toSorted((a, b) => a - b));
  } catch (error) {
    return new Response(String(error), { status: 500 });
  }
}

if (import.meta.main) {
  const restPort = Number(Deno.args[0]);
  const server = Deno.serve({ hostname: IP, port: 0, onListen() {} }, () => signInAll(restPort));
  await serveAsPart({ port: server.addr.port });
}
